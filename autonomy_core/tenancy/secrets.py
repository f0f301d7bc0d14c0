"""Secrets that are never printed, and references to secrets in ini files."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from autonomy_core.tenancy.files import Signature, read_small_file, signature
from autonomy_core.texts import is_utf8

MASK = "********"

_VARIABLE = re.compile(r"[A-Z]{1,15}(_([A-Z]{1,15}|[0-9]{1,3}))+")
_PATH = re.compile(r"[./]*([a-z]{1,15}|[0-9]{1,3})([-_./]([a-z]{1,15}|[0-9]{1,3}))*")
_KEY = re.compile(r"(?:^|[^a-z])(?:ak|pk|rk|sk|whsec)_")
"""The start of an API key, of Stripe's or of our own."""


class Secret:
    """A value that only `reveal()` returns. Printing, logging, formatting and pickling do not reveal it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. Call it as late as possible, and pass the value only to code that needs it."""
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
    """A reference (``env:`` or ``file:``) has no value. The message names its target if that is no secret."""


@dataclass(slots=True)
class References:
    """The state of resolving references: their base directory and their values.

    Attributes:
        directory: the base of relative ``file:`` references.
        values: known values, by reference. These are not resolved again.
        files: the files that were read, with their signatures.
        uses_environment: whether an ``env:`` reference was resolved.
        has_unreadable: whether one of the files exists but could not be read.
    """

    directory: Path
    values: dict[str, str] = field(default_factory=dict, repr=False)
    files: list[tuple[Path, Signature | None]] = field(default_factory=list)
    uses_environment: bool = False
    has_unreadable: bool = False


_references: ContextVar[References | None] = ContextVar("references", default=None)


@contextmanager
def resolving_from(directory: Path, values: Mapping[str, str] | None = None) -> Iterator[References]:
    """Resolve references in this block relative to a directory, and record their values and files.

    Args:
        directory: the base of relative ``file:`` references.
        values: known values, by reference. These are not resolved again.
    """
    references = References(directory, dict(values or {}))
    token = _references.set(references)
    try:
        yield references
    finally:
        _references.reset(token)


def resolve(text: str) -> str:
    """Return the value that ``env:NAME`` or ``file:path`` refers to. Any other text is its own value.

    Args:
        text: the reference or value.

    Raises:
        UnresolvedReferenceError: the reference has no value. The message contains its target only if that is
            clearly a name: it may be a secret in the wrong place.
    """
    kind, colon, target = text.partition(":")
    if not colon or kind not in _LOOK_UP:
        return text
    references = _references.get()
    if references is None:
        return _LOOK_UP[kind](target.strip())
    if text not in references.values:
        references.values[text] = _LOOK_UP[kind](target.strip())
    return references.values[text]


def is_reference(text: str) -> bool:
    """Whether a value is a reference to a secret, not the secret itself."""
    return text.partition(":")[0] in _LOOK_UP and ":" in text


def shown(text: str) -> str | None:
    """The reference, if its target is clearly a name and not a misplaced secret; otherwise None."""
    kind, colon, target = text.partition(":")
    target = target.strip()
    is_name = (kind == "env" and _VARIABLE.fullmatch(target)) or (
        kind == "file" and _is_clearly_a_path(target)
    )
    return f"{kind}:{target}" if colon and is_name else None


def _from_environment(name: str) -> str:
    references = _references.get()
    if references is not None:
        references.uses_environment = True
    value = os.environ.get(name, "")
    shown = name if _VARIABLE.fullmatch(name) else "it names"
    if not value:
        raise UnresolvedReferenceError(f"the environment variable {shown} is not set, or is empty")
    if not is_utf8(value):
        raise UnresolvedReferenceError(f"the environment variable {shown} is not UTF-8 text")
    return value


def _from_file(name: str) -> str:
    path = Path(name)
    shown = path if _is_clearly_a_path(str(path)) else "it names"
    references = _references.get()
    if references is not None:
        path = references.directory / path
        # Before reading the file, so that a concurrent change is detected later.
        references.files.append((path, signature(path)))
    try:
        value = read_small_file(path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UnresolvedReferenceError(f"the file {shown} is not UTF-8") from None
    except (OSError, ValueError) as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError | ValueError)
        if references is not None and not is_missing:
            references.has_unreadable = True
        raise UnresolvedReferenceError(f"the file {shown} does not exist or cannot be read") from None
    if not value:
        raise UnresolvedReferenceError(f"the file {shown} is empty")
    return value


_LOOK_UP = {"env": _from_environment, "file": _from_file}


def _is_clearly_a_path(text: str) -> bool:
    """Whether the text consists of short words and slashes: no API key does, and hardly any password."""
    return "/" in text and _PATH.fullmatch(text) is not None and _KEY.search(text) is None
