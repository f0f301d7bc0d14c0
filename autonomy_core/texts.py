"""Validates text for people: titles, names, reasons.

Such text is shown in web pages, e-mails, invoices and terminals. Invisible characters, and characters that
change the display of others, can make two texts look the same. This module imports no framework.
"""

from __future__ import annotations

import re
import unicodedata

_LAST_OF_PLANES = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(
    # Flags such as Scotland's, emoji tag sequences (UTS 51, section 5.3), are the only visible use of tags.
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
"""Also matches flags, which are kept."""

_BLANK = re.compile("[\u115f\u1160\u3164\uffa0\u2800\U0001d159\ufff0-\ufff8\U000e0080-\U000e0fff]")
"""Letters and symbols without a shape: Hangul fillers, the blank Braille pattern, default ignorables."""

_MAX_DECOMPOSITION = 4
"""The maximum number of characters that decompose one NFC character."""


class UnreadableText(ValueError):
    """A text is invalid. The message is a sentence."""


def readable(text: str, longest: int, *, lines: bool = False, blank: bool = False) -> str:
    """Normalise and validate a text: NFC, without surrounding space, with Unix line endings.

    Args:
        text: the text as it was typed.
        longest: the maximum number of characters after normalisation.
        lines: whether it may have several lines.
        blank: whether it may be empty.

    Returns:
        The normalised text.

    Raises:
        UnreadableText: it is too long or invisible, or contains a forbidden character.

    Source: https://www.unicode.org/reports/tr15/ (NFC), https://www.unicode.org/reports/tr36/ (deception).
    """
    # Before normalisation, because its time grows with the square of the number of marks on a letter.
    if len(text) > _MAX_DECOMPOSITION * longest:
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
    """Normalise a text without rejecting it, for example a title in a file's tags, by removing characters.

    Args:
        text: the text.
        longest: the maximum number of characters; the rest is removed.

    Returns:
        The normalised text; None if nothing visible is left.
    """
    allowed = _FORBIDDEN.sub(lambda found: found["flag"] or "", text[: _MAX_DECOMPOSITION * longest])
    kept = unicodedata.normalize("NFC", allowed).strip()[:longest].rstrip()
    return kept if is_visible(kept) else None


def is_visible(text: str) -> bool:
    """Whether the text contains a letter, digit, punctuation mark or symbol with a shape."""
    # "Cn" includes emoji that are newer than Python's Unicode tables.
    return any(
        unicodedata.category(character)[0] in "LNPS" or unicodedata.category(character) == "Cn"
        for character in _BLANK.sub("", text)
    )


def is_utf8(text: str) -> bool:
    """Whether a text of the environment or command line is UTF-8: Python keeps other bytes as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _forbidden_in(text: str) -> str | None:
    return next((found[0] for found in _FORBIDDEN.finditer(text) if not found["flag"]), None)
