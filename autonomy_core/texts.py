"""What may be in a text that people read: a title, a name, a reason.

Such a text is shown beside others, in an e-mail, on an invoice and in a terminal. A character that is not seen, or that
changes what its neighbours look like, makes one text look like another one. No framework.
"""

from __future__ import annotations

import re
import unicodedata

_LAST_OF_PLANES = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(
    # Scotland's flag, for example: an emoji tag sequence, the one use of tags that people see (UTS 51, section 5.3).
    "(?P<flag>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f)|["
    "\x00-\x1f\x7f-\x9f"  # controls
    "\u2028\u2029"  # separators of lines and paragraphs
    "\u202a-\u202e\u2066-\u206f"  # embeddings, overrides and isolates of the direction; deprecated controls
    "\ud800-\udfff"  # halves of surrogates
    "\ufeff\ufff9-\ufffb"  # byte order mark, interlinear annotation
    f"\ufdd0-\ufdef{_LAST_OF_PLANES}"  # noncharacters
    "\U000e0000-\U000e007f"  # tags: a hidden copy of ASCII
    "]"
)
"""Matches flags as well, which are left as they are."""

_BLANK = re.compile("[\u115f\u1160\u3164\uffa0\u2800\U0001d159\ufff0-\ufff8\U000e0080-\U000e0fff]")
"""Letters and symbols that have no shape: Hangul fillers, the blank Braille pattern, what is ignored by default."""

_MOST_DECOMPOSED = 4
"""One character of a text in NFC is written with at most so many where it is decomposed."""


class UnreadableText(ValueError):
    """The message says, in a sentence, what is wrong with a text."""


def readable(text: str, longest: int, *, lines: bool = False, blank: bool = False) -> str:
    """A text in the one form in which it is kept: NFC, without space around it, its lines ended as Unix ends them.

    Args:
        text: as it was typed.
        longest: how many characters it may have in that form.
        lines: whether it may have several lines.
        blank: whether it may be empty.

    Raises:
        UnreadableText: it is too long, nothing of it can be seen, or it contains a character that must not be there.

    Source: https://www.unicode.org/reports/tr15/ (NFC), https://www.unicode.org/reports/tr36/ (what deceives).
    """
    # Before it is composed: that takes time that grows with the square of the marks on a letter.
    if len(text) > _MOST_DECOMPOSED * longest:
        raise UnreadableText(f"Longer than maximum length {longest}.")
    if lines:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", text.strip())
    if len(text) > longest:
        raise UnreadableText(f"Longer than maximum length {longest}.")
    if forbidden := _forbidden_in(text.replace("\n", "") if lines else text):
        raise UnreadableText(f"The character U+{ord(forbidden):04X} is not allowed in a text.")
    if not is_visible(text) and (text or not blank):
        raise UnreadableText("There is nothing to be read in it.")
    return text


def cleaned(text: str, longest: int) -> str | None:
    """What can be kept of a text that nobody can be asked to correct, such as a file's own title; None if nothing of it can be seen.

    Args:
        longest: how many characters are kept.
    """
    allowed = _FORBIDDEN.sub(lambda found: found["flag"] or "", text[: _MOST_DECOMPOSED * longest])
    kept = unicodedata.normalize("NFC", allowed).strip()[:longest].rstrip()
    return kept if is_visible(kept) else None


def is_visible(text: str) -> bool:
    """Whether a text has a letter, a digit, a mark of punctuation or a symbol that has a shape."""
    # "Cn": emoji that are newer than Python's tables.
    return any(
        unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
        for character in _BLANK.sub("", text)
    )


def is_utf8(text: str) -> bool:
    """Whether a text of the environment or the command line is UTF-8: Python keeps other bytes as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _forbidden_in(text: str) -> str | None:
    return next((found[0] for found in _FORBIDDEN.finditer(text) if not found["flag"]), None)
