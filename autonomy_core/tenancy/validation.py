"""Validates a section with its schema, and finds the line number of every error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import RAISE, Schema, ValidationError

from autonomy_core.tenancy.domain import Problem
from autonomy_core.tenancy.fields import ProblemMessage
from autonomy_core.tenancy.parser import Section


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of validating a section: its valid data, and the problems."""

    data: Any
    problems: tuple[Problem, ...] = ()


def check_section(file: Path, section: Section, schema: Schema | None) -> Checked:
    """Load a section with a schema.

    Args:
        file: the path to use in problems.
        section: the parsed section.
        schema: the schema; None if the section must be empty.
    """
    if schema is None:
        return Checked({}, tuple(_unknown_key(file, section, key, ()) for key in section.entries))
    try:
        return Checked(schema.load(section.values(), unknown=RAISE))
    except ValidationError as error:
        return Checked(error.valid_data or {}, tuple(_problems(file, section, schema, error)))
    except Exception as error:  # noqa: BLE001 - a plugin's schema must not affect other organisations
        return Checked({}, (_schema_failed(file, section, error),))


def remedy_for_empty(*, required: bool) -> str:
    """Return a remedy for a key without a value."""
    return "give it one" if required else "give it one, or remove the key"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy for an unknown word: the most similar known word, or all of them.

    Args:
        word: the unknown word.
        known: the known words.
    """
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(known)}" if known else "remove it"


def _problems(file: Path, section: Section, schema: Schema, error: ValidationError) -> Iterator[Problem]:
    required = {field.data_key or name: field.required for name, field in schema.load_fields.items()}
    for key, messages in error.messages_dict.items():
        if key in section.entries and key not in required:
            yield _unknown_key(file, section, key, required)
        elif key in required:
            yield from _key_problems(file, section, key, messages, required=required[key])
        else:
            for message in _flatten(messages):
                yield _problem(file, section.line, f"[{section.name}]", message)


def _key_problems(
    file: Path, section: Section, key: str, messages: Any, *, required: bool
) -> Iterator[Problem]:
    entry = section.entries.get(key)
    if entry is None:
        message, line = f"[{section.name}] needs {key!r}", section.line
        yield Problem(file, line, "missing_key", message, f"add {key} = … to the section")
    elif not entry.value:
        remedy = remedy_for_empty(required=required)
        yield Problem(file, entry.line, "missing_key", f"{key!r} has no value", remedy)
    else:
        # A key that is indented by mistake is parsed as a continuation of the value above it.
        lines = f", which goes on in line {entry.continued[0]}" if entry.continued else ""
        for message in _flatten(messages):
            yield _problem(file, entry.line, f"{key!r}{lines}", message)


def _problem(file: Path, line: int, subject: str, message: str) -> Problem:
    text = f"{subject}: {message.rstrip('.')}"
    if isinstance(message, ProblemMessage):
        return Problem(file, line, message.code, text, message.remedy)
    return Problem(file, line, "invalid_value", text, "correct the value")


def _unknown_key(file: Path, section: Section, key: str, known: Iterable[str]) -> Problem:
    message = f"[{section.name}] has no key {key!r}"
    return Problem(file, section.entries[key].line, "unknown_key", message, did_you_mean(key, known))


def _schema_failed(file: Path, section: Section, error: Exception) -> Problem:
    # Only the exception's type: its message may quote a secret.
    message = f"[{section.name}] cannot be checked: its schema raised {type(error).__name__}"
    return Problem(file, section.line, "invalid_value", message, "report this to the plugin's author")


def _flatten(messages: Any) -> Iterator[str]:
    """Yield the messages in marshmallow's nested lists and dictionaries."""
    if isinstance(messages, str):
        yield messages
    else:
        for item in messages.values() if isinstance(messages, Mapping) else messages:
            yield from _flatten(item)
