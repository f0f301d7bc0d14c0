"""Secrets that do not show themselves, and the references they may be written as."""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from autonomy_core.tenancy.files import Signature, read_small_file, signature

MASK = "********"


class Secret:
    """A value that is revealed only by `reveal()`, never by printing, logging, formatting or pickling it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself: at the last moment, to whom it is meant for."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


class UnresolvedReferenceError(ValueError):
    """An ``env:`` or ``file:`` reference that leads to no value; the message names neither."""


@dataclass(slots=True)
class References:
    """Where relative ``file:`` references start, and the files that were looked at."""

    directory: Path
    files: list[tuple[Path, Signature | None]] = field(default_factory=list)


_references: ContextVar[References | None] = ContextVar("references", default=None)


@contextmanager
def resolving_from(directory: Path) -> Iterator[References]:
    """Resolve references relative to `directory` in this block, and note which files they lead to."""
    references = References(directory)
    token = _references.set(references)
    try:
        yield references
    finally:
        _references.reset(token)


def resolve(text: str) -> str:
    """Return the value that ``env:NAME`` or ``file:path`` refers to; any other text is the value itself.

    Raises UnresolvedReferenceError. Its message leaves out what the reference says, which may be a secret
    pasted in the wrong place.
    """
    kind, colon, target = text.partition(":")
    if colon and kind == "env":
        return _from_environment(target.strip())
    if colon and kind == "file":
        return _from_file(Path(target.strip()))
    return text


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UnresolvedReferenceError("the environment variable it names is not set, or is empty")
    return value


def _from_file(path: Path) -> str:
    references = _references.get()
    if references is not None:
        path = references.directory / path
        # Taken before the file is read: a change in between is then seen as one.
        references.files.append((path, signature(path)))
    try:
        value = read_small_file(path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnresolvedReferenceError("the file it names is not UTF-8") from None
    except (OSError, ValueError):
        raise UnresolvedReferenceError("the file it names does not exist or cannot be read") from None
    if not value:
        raise UnresolvedReferenceError("the file it names is empty")
    return value
