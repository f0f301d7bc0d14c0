"""Changes keys in the text of an ini file, and leaves all other characters unchanged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autonomy_core.tenancy.parser import Ini, Section, parse


class NotRewritable(ValueError):
    """The change would affect other parts of the file. The message gives the reason without any value."""


def with_keys(text: str, section: str, changes: Mapping[str, str | None]) -> str:
    """Change keys of one section.

    A new key replaces a commented-out key without a value, as ``autonomy tenants new`` writes them. Without
    one, it is added after the section's last key. Comments, blank lines and line endings stay.

    Args:
        text: the text of the file.
        section: the name of the section.
        changes: the new values by key, each of one line; None removes the key.

    Returns:
        The new text.

    Raises:
        NotRewritable: there is no such section, a value is not one line, or parsing the result does not give
            the expected values.
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
    if _values(parse(Path(), rewritten)) != _expected(before, section, changes):
        raise NotRewritable("its layout is one that only a person should change")
    return rewritten


def _is_one_line(value: str) -> bool:
    return bool(value) and value.isprintable() and value == value.strip()


def _values(ini: Ini) -> dict[str, dict[str, str]]:
    return {name: section.values() for name, section in ini.sections.items()}


def _expected(ini: Ini, section: str, changes: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    values = _values(ini)
    changed = {**values[section], **changes}
    return values | {section: {key: value for key, value in changed.items() if value is not None}}


@dataclass
class _Lines:
    """The lines of a file while one section is changed. A line to remove is None."""

    lines: Sequence[str]
    section: Section

    def __post_init__(self) -> None:
        self._ending = "\r" if self.lines[self.section.line - 1].endswith("\r") else ""
        self._changed: dict[int, str | None] = {}
        self._added: list[str] = []

    def change(self, key: str, value: str | None) -> None:
        """Set or remove a key."""
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
        """The replacement of a removed key: commented out if a comment explains it, otherwise None."""
        return f"# {key} =" if self._line(line - 1).startswith(("#", ";")) else None

    def _commented_out(self, key: str) -> int | None:
        """The line number where the section has the key commented out without a value, if it can be used."""
        pattern = re.compile(rf"[#;]\s*{re.escape(key)}\s*=\s*")
        number = self.section.line + 1
        while number <= len(self.lines) and not self.lines[number - 1].startswith("["):
            if pattern.fullmatch(self._line(number)) and not self._interrupts_a_value(number):
                return number
            number += 1
        return None

    def _interrupts_a_value(self, number: int) -> bool:
        """Whether the comment is between the lines of one value. A key in its place would split the value."""
        rest = (
            line for line in self.lines[number:] if line.strip() and not line.strip().startswith(("#", ";"))
        )
        return next(rest, "").startswith((" ", "\t"))

    def _line(self, number: int) -> str:
        return self.lines[number - 1].strip()
