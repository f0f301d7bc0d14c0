"""Compiles the sources of mail templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from jinja2 import Template, TemplateSyntaxError, nodes

from autonomy_core.mail.sandbox import CLOSE, ENVIRONMENT, OPEN, TemplateProblem

LONGEST_SOURCE = 40_000
"""The longest source, in characters."""


@dataclass(frozen=True, slots=True)
class Source:
    """A compiled source.

    Attributes:
        subject: the template of the subject; None for a part of other mails.
        body: the template of the body, in Markdown.
        names: the names of values that it reads, with the line of the first use.
    """

    subject: Template | None = field(repr=False)
    body: Template = field(repr=False)
    names: Mapping[str, int]


_SUBJECT = "Subject:"


@lru_cache(maxsize=1024)
def compile_mail(text: str) -> Source:
    """Compile the source of a mail: a first line ``Subject: …``, an empty line, and the body.

    Args:
        text: the content of the file.

    Raises:
        TemplateProblem: it has an error.
    """
    _require_usable(text)
    first, _, rest = text.replace("\r\n", "\n").partition("\n")
    if not first.startswith(_SUBJECT) or not first.removeprefix(_SUBJECT).strip():
        raise TemplateProblem("the first line is no subject", 1, f"begin the file with '{_SUBJECT} …'")
    if rest[:1] not in {"", "\n"}:
        raise TemplateProblem("no empty line follows the subject", 2, "insert an empty line")
    # The empty line stands for the subject, so that the numbers of the lines are those of the file.
    subject, body = first.removeprefix(_SUBJECT).strip(), f"\n{rest}"
    return Source(_compile(subject), _compile(body), {**_names_in(body), **_names_in(subject)})


@lru_cache(maxsize=256)
def compile_part(text: str) -> Source:
    """Compile the source of a part of other mails, which has no subject.

    Args:
        text: the content of the file.

    Raises:
        TemplateProblem: it has an error.
    """
    _require_usable(text)
    return Source(None, _compile(text), _names_in(text))


def _require_usable(text: str) -> None:
    if len(text) > LONGEST_SOURCE:
        raise TemplateProblem(f"it is longer than {LONGEST_SOURCE} characters", remedy="shorten it")
    if unusable := next((mark for mark in (OPEN, CLOSE, "\x00") if mark in text), None):
        line = text.count("\n", 0, text.index(unusable)) + 1
        raise TemplateProblem(f"it contains the character U+{ord(unusable):04X}", line, "remove it")


def _compile(text: str) -> Template:
    try:
        return ENVIRONMENT.from_string(text)
    except TemplateSyntaxError as error:
        raise TemplateProblem(error.message or "it has a syntax error", error.lineno) from None
    except (RecursionError, SyntaxError):
        raise TemplateProblem("its blocks or expressions are nested too deeply") from None


def _names_in(text: str) -> dict[str, int]:
    """The names that a template reads and that no loop gives, with the line of the first use."""
    tree = ENVIRONMENT.parse(text)
    names = [(node.name, node.ctx, node.lineno) for node in tree.find_all(nodes.Name)]
    given = {name for name, context, _ in names if context == "store"} | {"loop"}
    read = [(name, line) for name, context, line in names if context == "load" and name not in given]
    return dict(reversed(read))
