"""Parses ini files and keeps the line number of every section and key.

The syntax is that of `configparser` with these differences. There is no interpolation, so ``%`` is an
ordinary character. There are no comments after a value, so ``#`` is one, too. ``=`` is the only separator.
All errors are reported, not only the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from autonomy_core.tenancy.domain import Problem, ProblemCode

_HEADER = re.compile(r"\[([a-z][a-z0-9_-]*)\]")
# Strict, so that a part of a secret on its own line is not taken for a key: problem messages show keys.
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(slots=True)
class Entry:
    """One value, the line number of its key, counted from 1, and the line numbers of continuation lines."""

    value: str
    line: int
    continued: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Section:
    """The entries of one section by key, and the line number of its header."""

    name: str
    line: int
    entries: dict[str, Entry] = field(default_factory=dict)

    def values(self) -> dict[str, str]:
        """Return the values by key."""
        return {key: entry.value for key, entry in self.entries.items()}


@dataclass(slots=True)
class Ini:
    """The valid parts of a file, and its syntax errors."""

    sections: dict[str, Section]
    problems: list[Problem]


def parse(file: Path, text: str) -> Ini:
    """Parse a text.

    Args:
        file: the path to use in problems.
        text: the content of the file.
    """
    reader = _Reader(file)
    for number, line in enumerate(text.split("\n"), start=1):
        reader.read(number, line)
    return Ini(reader.sections, reader.problems)


class _Reader:
    def __init__(self, file: Path) -> None:
        self.sections: dict[str, Section] = {}
        self.problems: list[Problem] = []
        self._file = file
        self._section: Section | None = None
        self._entry: Entry | None = None

    def read(self, number: int, line: str) -> None:
        text = line.strip()
        if not text or text.startswith(("#", ";")):
            return
        if line[0] in " \t":
            self._continue_value(number, text)
        elif text.startswith("["):
            self._begin_section(number, text)
        else:
            self._add_entry(number, text)

    def _continue_value(self, number: int, text: str) -> None:
        if self._entry is None:
            self._report(number, "syntax", "an indented line continues nothing", "remove the indentation")
        else:
            self._entry.value = f"{self._entry.value}\n{text}".strip()
            self._entry.continued.append(number)

    def _begin_section(self, number: int, text: str) -> None:
        self._entry = None
        header = _HEADER.fullmatch(text)
        # A bad header still starts a section, so that its entries are not added to the previous one.
        self._section = Section(header[1] if header else "", number)
        if header is None:
            self._report(
                number,
                "syntax",
                "this is not a section header",
                "write [name], in lower case, alone on its line",
            )
        elif header[1] in self.sections:
            first = self.sections[header[1]].line
            self._report(
                number, "duplicate_section", f"[{header[1]}] began at line {first} already", "merge the two"
            )
        else:
            self.sections[header[1]] = self._section

    def _add_entry(self, number: int, text: str) -> None:
        key, equals, value = text.partition("=")
        key = key.rstrip()
        self._entry = Entry(value.strip(), number)
        if not equals or not _KEY.fullmatch(key):
            self._report(
                number,
                "syntax",
                "this is neither a section header nor a key with a value",
                "write key = value, the key in lower case; indent a line that continues a value",
            )
        elif self._section is None:
            self._report(
                number,
                "syntax",
                f"{key!r} stands before any section",
                "put it below [organisation] or a plugin's name",
            )
        elif key in self._section.entries:
            first = self._section.entries[key].line
            self._report(
                number, "duplicate_key", f"{key!r} is given at line {first} already", "keep one of the two"
            )
        else:
            self._section.entries[key] = self._entry

    def _report(self, line: int, code: ProblemCode, message: str, remedy: str) -> None:
        self.problems.append(Problem(self._file, line, code, message, remedy))
