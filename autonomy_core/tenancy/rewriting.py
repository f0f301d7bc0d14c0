"""Changes keys in the text of an ini file, and leaves every other character of it as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.parser import Ini, Section, parse


class NotRewritable(ValueError):
    """The change cannot be made without changing something else. The message says why, and shows no value."""


def with_keys(text: str, section: str, changes: Mapping[str, str | None]) -> str:
    """The text with some keys of one section changed.

    A new key takes the place of a commented-out one without a value, as ``autonomy tenants new`` writes them,
    and otherwise follows the section's last key. Comments, blank lines and line endings stay.

    Args:
        changes: by key the new value, one line; None removes the key.

    Raises:
        NotRewritable: there is no such section, a value is not one line, or the result would not say what it
            should.
    """
    wrong = [key for key, value in changes.items() if value is not None and not _is_one_line(value)]
    if wrong:
        raise NotRewritable(f"the value of {', '.join(wrong)} is not one line of printable characters")
    before = parse(Path(), text)
    if section not in before.sections:
        raise NotRewritable(f"there is no section [{section}]")
    lines = _Lines(text.split("\n"), before.sections[section])
    for key, value in changes.items():
        lines.change(key, value)
    rewritten = lines.joined()
    if _says(parse(Path(), rewritten)) != _expected(before, section, changes):
        raise NotRewritable("its layout is one that only a person should change")
    return rewritten


def _is_one_line(value: str) -> bool:
    return bool(value) and value.isprintable() and value == value.strip()


def _says(ini: Ini) -> dict[str, dict[str, str]]:
    return {name: section.values() for name, section in ini.sections.items()}


def _expected(ini: Ini, section: str, changes: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    said = _says(ini)
    changed = {**said[section], **changes}
    return said | {section: {key: value for key, value in changed.items() if value is not None}}


@dataclass
class _Lines:
    """The lines of a file while one section of it is changed; a line that is to go is None."""

    lines: Sequence[str]
    section: Section

    def __post_init__(self) -> None:
        self._ending = "\r" if self.lines[self.section.line - 1].endswith("\r") else ""
        self._changed: dict[int, str | None] = {}
        self._added: list[str] = []

    def change(self, key: str, value: str | None) -> None:
        """Set a key, or remove it."""
        entry = self.section.entries.get(key)
        if entry is not None:
            self._changed |= dict.fromkeys(entry.continued)
            self._changed[entry.line] = (
                self._left_of(key, entry.line) if value is None else f"{key} = {value}"
            )
        elif value is not None and (place := self._commented_out(key)):
            self._changed[place] = f"{key} = {value}"
        elif value is not None:
            self._added.append(f"{key} = {value}")

    def joined(self) -> str:
        """The text with all changes."""
        last = max(
            [self.section.line, *(n for e in self.section.entries.values() for n in (e.line, *e.continued))]
        )
        result: list[str] = []
        for number, line in enumerate(self.lines, start=1):
            kept = self._changed.get(number, line)
            if kept is not None:
                result.append(kept + self._ending if number in self._changed else line)
            if number == last:
                result += [added + self._ending for added in self._added]
        return "\n".join(result)

    def _left_of(self, key: str, line: int) -> str | None:
        """What stays of a removed key: its comment would explain nothing, so the key is commented out below it."""
        return f"# {key} =" if self._line(line - 1).startswith(("#", ";")) else None

    def _commented_out(self, key: str) -> int | None:
        """The line where the section has the key commented out without a value, if it can be written there."""
        pattern = re.compile(rf"[#;]\s*{re.escape(key)}\s*=\s*")
        number = self.section.line + 1
        while number <= len(self.lines) and not self.lines[number - 1].startswith("["):
            if pattern.fullmatch(self._line(number)) and not self._interrupts_a_value(number):
                return number
            number += 1
        return None

    def _interrupts_a_value(self, number: int) -> bool:
        """Whether a comment stands among the lines of one value, which a key in its place would cut in two."""
        rest = (
            line for line in self.lines[number:] if line.strip() and not line.strip().startswith(("#", ";"))
        )
        return next(rest, "").startswith((" ", "\t"))

    def _line(self, number: int) -> str:
        return self.lines[number - 1].strip()
