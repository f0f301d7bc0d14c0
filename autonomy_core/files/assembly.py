"""A file that is made of stored files and of bytes between them, and that no store has as a whole.

`responses` answers with it, and the edge reads its body piece by piece. Only one piece is in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO, Final

from autonomy_core.files.area import FileArea
from autonomy_core.files.services import unavailable_if_unreadable
from autonomy_core.files.storage import Storage
from autonomy_core.kernel.bodies import StreamedBody

MOST_AT_ONCE: Final = 1024 * 1024
"""The most bytes that are read from a remote store in one request, which is in memory."""

FIRST_PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A whole stored file within a larger one.

    Attributes:
        area: where it is.
        key: in the storage; it is made of the SHA-256 of the content.
        size: in bytes.
    """

    area: FileArea
    key: str
    size: int


Part = bytes | StoredPart
"""What an assembled file consists of: bytes in memory, and whole stored files."""


@dataclass(frozen=True)
class AssembledFile:
    """Parts that follow one another.

    Attributes:
        name: says in the hook ``on_download`` what it is: ``media_mp3/archives``.
        media_type: the Content-Type.
        parts: in their order.
    """

    name: str
    media_type: str
    parts: Sequence[Part]

    @cached_property
    def size(self) -> int:
        """Of the whole file, in bytes."""
        return sum(map(size_of, self.parts))

    @cached_property
    def digest(self) -> str:
        """Identifies the content: 64 hexadecimal digits. Two files with the same digest have the same bytes.

        It is no hash of the bytes, which would have to be read. The key of a stored file is made of its hash.
        """
        found = hashlib.sha256()
        for part in self.parts:
            kind, said = (b"bytes", part) if isinstance(part, bytes) else (b"file", part.key.encode())
            found.update(b"%s %d %d\n" % (kind, size_of(part), len(said)))
            found.update(said)
        return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a part.

    Attributes:
        part: the whole part.
        start: the first byte that is meant, counted from the beginning of the part.
        end: the byte behind the last one.
    """

    part: Part
    start: int
    end: int


def size_of(part: Part) -> int:
    """The size of a part in bytes."""
    return len(part) if isinstance(part, bytes) else part.size


def slices(parts: Sequence[Part], start: int, end: int) -> list[Slice]:
    """The slices of parts that follow one another, which make the bytes from ``start`` to before ``end``."""
    found, position = [], 0
    for part in parts:
        first, last = max(start - position, 0), min(end - position, size_of(part))
        if first < last:
            found.append(Slice(part, first, last))
        position += size_of(part)
    return found


class AssembledBody(StreamedBody):
    """The body of an answer: it reads the slices one after another, in whatever thread asks.

    A local file is open from its first piece to its last. A remote store is asked for each piece, since
    a client may take minutes between two of them.

    Args:
        wanted: what the body consists of.
        storage_of: returns the storage of an area.
        organisation_id: the organisation whose files they are.
    """

    def __init__(
        self, wanted: Sequence[Slice], storage_of: Callable[[FileArea], Storage], organisation_id: str
    ) -> None:
        self.organisation_id = organisation_id
        self._left = list(reversed(wanted))
        self._size = sum(each.end - each.start for each in wanted)
        self._storage_of = storage_of
        self._file: BinaryIO | None = None
        self._ahead = b""

    def __len__(self) -> int:
        """All bytes of the body, whether they were read or not."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(FIRST_PIECE), b"")

    def begin(self) -> None:
        """Read ahead, so that a store that does not answer is an error and not half an answer.

        Raises:
            StorageUnavailable
        """
        while self._left and len(self._ahead) < FIRST_PIECE and (piece := self._next(FIRST_PIECE)):
            self._ahead += piece

    def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; none at the end, or where a stored file is too short.

        Raises:
            StorageUnavailable
        """
        if not self._ahead and self._left:
            self._ahead = self._next(most)
        piece, self._ahead = self._ahead[:most], self._ahead[most:]
        return piece

    def _next(self, most: int) -> bytes:
        now = self._left.pop()
        if isinstance(now.part, bytes):
            return now.part[now.start : now.end]
        piece = self._of_file(now.part, now.start, now.end, most)
        if (reached := now.start + len(piece)) < now.end:
            self._left.append(Slice(now.part, reached, now.end))
        else:
            self._close_file()
        return piece

    def _of_file(self, part: StoredPart, start: int, end: int, most: int) -> bytes:
        with unavailable_if_unreadable(part.area, part.key):
            if self._file is None:
                storage = self._storage_of(part.area)
                self._file = storage.open_local(part.key, start, end - 1)
                if self._file is None:
                    return b"".join(storage.open_range(part.key, start, min(start + MOST_AT_ONCE, end) - 1))
            return self._file.read(min(most, end - start))

    def close(self) -> None:
        """Read no more, and close the open file."""
        self._left, self._ahead = [], b""
        self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()
