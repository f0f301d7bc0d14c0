"""A parser of the project's Markdown documents, as far as the tests need it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]

FENCE = re.compile(
    r"(?:^ *<!-- (?P<comment>[^\n]*?) -->\n)?^"
    r"(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
NOT_EXECUTED = "not executed: "
HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: of its first line in the document.
        comment: the HTML comment on the line above it.
    """

    language: str
    text: str
    line: int
    comment: str | None

    @property
    def excuse(self) -> str | None:
        """The reason why the block is not executed, or None."""
        comment = self.comment or ""
        return comment.removeprefix(NOT_EXECUTED) if comment.startswith(NOT_EXECUTED) else None


def blocks_of(text: str) -> list[Block]:
    """Every fenced block of a text."""
    return [
        Block(
            language=found["language"],
            text=textwrap.dedent(found["text"]),
            line=text.count("\n", 0, found.start("text")) + 1,
            comment=found["comment"],
        )
        for found in FENCE.finditer(text)
    ]


@dataclass(frozen=True)
class Document:
    """A Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the project."""
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @cached_property
    def prose(self) -> str:
        """The text outside of blocks."""
        return FENCE.sub("", self.text)

    @cached_property
    def all_blocks(self) -> list[Block]:
        """Every fenced block."""
        return blocks_of(self.text)

    def blocks(self, language: str) -> list[Block]:
        """The blocks of a language."""
        return [block for block in self.all_blocks if block.language == language]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of the headings, as code hosts make them."""
        return {anchor(heading) for heading in HEADING.findall(self.prose)}

    @cached_property
    def links(self) -> list[str]:
        """The targets of its links."""
        return LINK.findall(self.prose)

    def section(self, heading: str) -> str:
        """The text below a heading, up to the next one of its level or a higher one."""
        found = re.search(rf"^(#+) {re.escape(heading)}$", self.text, re.MULTILINE)
        assert found, f"{self.name} has no section {heading!r}"
        rest = self.text[found.end() :]
        end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
        return rest[: end.start()] if end else rest


def anchor(heading: str) -> str:
    """The anchor of a heading: lower case, punctuation left out, hyphens for spaces."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of every table in a text, headings and rulers left out."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").replace("\\|", "\0").split("|")]


def entries(text: str) -> Iterator[tuple[list[str], str, str]]:
    """Every item of a list that begins with terms in backticks: terms, note and rest.

    ``- `a`, `b` (note): rest``
    """
    for item in re.findall(r"^- (`.*(?:\n  .*)*)", text, re.MULTILINE):
        head, _, rest = " ".join(item.split()).partition(": ")
        terms, _, note = head.partition(" (")
        yield codes(terms), note.removesuffix(")"), rest


def codes(cell: str) -> list[str]:
    """The terms in backticks of a cell."""
    return re.findall(r"`([^`]+)`", cell)


DOCUMENTS = [Document(ROOT / "README.md"), *map(Document, sorted((ROOT / "docs").rglob("*.md")))]
