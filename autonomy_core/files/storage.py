"""The interface of a storage of files, and the form of the keys in it.

A key is ``<organisation>/<first two digits of the SHA-256>/<SHA-256><suffix>``. A key therefore always means
the same bytes, and to write a file twice is to write it once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol, runtime_checkable

_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,10}", re.ASCII)
_KEY: Final = re.compile(
    rf"[a-z0-9][a-z0-9_-]{{0,62}}/([0-9a-f]{{2}})/(?=\1)[0-9a-f]{{64}}{_SUFFIX.pattern}", re.ASCII
)


class BadKey(ValueError):
    """The key does not have the form of a key. It reaches no storage."""


@runtime_checkable
class Storage(Protocol):
    """Keeps files. Each method takes keys as `storage_key` makes them, and raises `BadKey` for any other.

    Every other failure is an `OSError`; to read a file that does not exist raises `FileNotFoundError`.
    `autonomy_core.testing.storage_contract` tests an implementation.
    """

    def put_file(self, key: str, path: Path) -> bool:
        """Store a file; a reader sees the whole file or none.

        Returns:
            Whether the file was written: False if a file of the same size has this key already.
        """

    def open_range(self, key: str, start: int, end_inclusive: int) -> Iterator[bytes]:
        """Read the bytes from ``start`` to ``end_inclusive``, in chunks.

        Raises:
            FileNotFoundError: there is no such file. Raised by the call, before the first chunk is taken.
            OSError: the file ends before ``end_inclusive``. Raised by the call as well.
        """

    def open_local(self, key: str, start: int, end_inclusive: int) -> BinaryIO | None:
        """Open the same bytes as a file at ``start``, which the web server can send without Python.

        Returns:
            None if the storage has no file on this machine; then use `open_range`.

        Raises:
            OSError: as for `open_range`.
        """

    def size(self, key: str) -> int:
        """The size of a file in bytes.

        Raises:
            FileNotFoundError: there is no such file.
        """

    def keys(self, organisation_id: str) -> Iterator[str]:
        """List the keys of an organisation's files. A name that is not a key is left out."""

    def delete(self, key: str) -> None:
        """Remove a file. Nothing happens if it does not exist."""


def storage_key(organisation_id: str, sha256: str, suffix: str) -> str:
    """The key of a file.

    Args:
        organisation_id: the organisation that the file belongs to.
        sha256: of the content, 64 lower-case hexadecimal digits.
        suffix: of the name, with its dot: ``.mp3``.

    Raises:
        BadKey: one of them is malformed.
    """
    return checked_key(f"{organisation_id}/{sha256[:2]}/{sha256}{suffix}")


def checked_key(key: str) -> str:
    """The key itself.

    Raises:
        BadKey: it does not have the form of a key.
    """
    if not is_key(key):
        raise BadKey("a storage key has the form <organisation>/<two digits>/<SHA-256>.<suffix>")
    return key


def is_key(name: str) -> bool:
    """Whether a name has the form of a key."""
    return _KEY.fullmatch(name) is not None


def is_suffix(text: str) -> bool:
    """Whether a text has the form of the suffix of keys."""
    return _SUFFIX.fullmatch(text) is not None
