"""`Storage` through obstore: in a local directory, in memory, or in another store of obstore's."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from autonomy_core.files.breaker import Breaker
from autonomy_core.files.storage import checked_key, is_key

CHUNK_BYTES: Final = 256 * 1024

PIECE_BYTES: Final = 4 * 1024 * 1024
"""The most bytes in one request to a remote store: the timeout holds for each request."""

PART_BYTES: Final = 8 * 1024 * 1024
"""The size of the parts of an upload to a remote store."""


_BODY: Final = re.compile(r"(non-2xx status code: [0-9]{3}[A-Za-z -]*):.*", re.DOTALL)
_QUERY: Final = re.compile(r"\?[^\s\"'<>)]*")
_MOST_CHARACTERS: Final = 500

CONCURRENT_PARTS: Final = 2
"""How many parts of an upload are in memory and on their way at once."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a store says about a file.

    Attributes:
        size: in bytes.
        etag: the entity tag with which the store sends it, with its quotes; None for a directory.
    """

    size: int
    etag: str | None


class ObjectStorage:
    """`Storage` in an obstore store.

    Args:
        store: the store; its root contains nothing else.
        root: the directory of the store, if it is a local one.
        breaker: of the server that the store is on, if it is a remote one.
    """

    def __init__(
        self, store: ObjectStore, root: Path | None = None, *, breaker: Breaker | None = None
    ) -> None:
        self._store, self._root, self._breaker = store, root, breaker

    @classmethod
    def in_directory(cls, root: Path) -> ObjectStorage:
        """Storage in a local directory, which is created if it does not exist."""
        root = root.resolve()
        return cls(LocalStore(str(root), mkdir=True), root)

    def put_file(self, key: str, path: Path) -> bool:
        """Store a file without reading it into memory. See `Storage`."""
        checked_key(key)
        size = path.stat().st_size
        # A power failure can leave a shorter file: it exists, and is written again.
        if self._size_if_there(key) == size:
            return False
        # The store's create-only mode would read the whole file into memory. A multipart write is atomic, and
        # two concurrent ones write the same bytes, since the key is the content.
        remote: dict[str, Any] = {"chunk_size": PART_BYTES, "max_concurrency": CONCURRENT_PARTS}
        with self._failing_as_os_error():
            if self._breaker is None:
                obstore.put(self._store, key, path, use_multipart=True)
            else:
                obstore.put(self._store, key, path, use_multipart=size > PART_BYTES, **remote)
        return True

    def open_range(self, key: str, start: int, end_inclusive: int) -> Iterator[bytes]:
        """Read a part of a file. See `Storage`."""
        checked_key(key)
        if end_inclusive < start:
            return iter(())
        end = end_inclusive + 1
        first_end = end if self._breaker is None else min(start + PIECE_BYTES, end)
        with self._failing_as_os_error():
            found = obstore.get(self._store, key, options={"range": (start, first_end)})
        if found.range != (start, first_end) or found.meta["size"] < end:
            raise OSError(f"the file ends before byte {end_inclusive}")
        return self._chunks(key, found, first_end, end)

    def _chunks(self, key: str, found: Any, position: int, end: int) -> Iterator[bytes]:
        while True:
            with self._failing_as_os_error():
                yield from map(bytes, found.stream(min_chunk_size=CHUNK_BYTES))
                if position >= end:
                    return
                upto = min(position + PIECE_BYTES, end)
                found = obstore.get(self._store, key, options={"range": (position, upto)})
            if found.range != (position, upto):
                raise OSError("the file has become shorter while it was read")
            position = upto

    def open_local(self, key: str, start: int, end_inclusive: int) -> BinaryIO | None:
        """Open a file at a part of it. See `Storage`."""
        checked_key(key)
        if self._root is None:
            return None
        file = (self._root / key).open("rb")
        if os.fstat(file.fileno()).st_size <= end_inclusive:
            file.close()
            raise OSError(f"the file ends before byte {end_inclusive}")
        file.seek(start)
        return file

    def size(self, key: str) -> int:
        """The size of a file in bytes. See `Storage`."""
        checked_key(key)
        with self._failing_as_os_error():
            return obstore.head(self._store, key)["size"]

    def facts(self, key: str) -> FileFacts:
        """Size and entity tag of a file.

        Raises:
            FileNotFoundError: there is no such file.
            OSError: the store cannot be asked.
            BadKey: see `Storage`.
        """
        checked_key(key)
        if self._root is not None:
            return FileFacts((self._root / key).stat().st_size, None)
        with self._failing_as_os_error():
            found = obstore.head(self._store, key)
        return FileFacts(found["size"], found.get("e_tag"))

    def keys(self, organisation_id: str) -> Iterator[str]:
        """List the keys of an organisation's files. See `Storage`."""
        for key, _ in self.entries(organisation_id):
            yield key

    def entries(self, organisation_id: str | None = None) -> Iterator[tuple[str, int]]:
        """List keys and sizes in bytes.

        Args:
            organisation_id: only the files of this organisation; None for those of all.
        """
        with self._failing_as_os_error():
            pages: Iterable[Any] = obstore.list(self._store, organisation_id)
            for page in pages:
                for found in page:
                    key = found["path"]
                    if is_key(key) and organisation_id in {None, key.partition("/")[0]}:
                        yield key, found["size"]

    def delete(self, key: str) -> None:
        """Remove a file. See `Storage`."""
        checked_key(key)
        try:
            with self._failing_as_os_error():
                obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def _size_if_there(self, key: str) -> int | None:
        try:
            return self.size(key)
        except FileNotFoundError:
            return None

    @contextmanager
    def _failing_as_os_error(self) -> Iterator[None]:
        """Turn the errors of obstore that Python has no class for into the `OSError` that `Storage` promises.

        The error of a remote store is not chained: it contains the answer of that server, which may name the
        id of the access key.
        """
        breaker = self._breaker
        if breaker is None:
            try:
                yield
            except BaseError as error:
                raise OSError(str(error)) from error
            return
        breaker.require()
        try:
            yield
        except FileNotFoundError:
            breaker.answered()
            raise FileNotFoundError("the store has no such file") from None
        except BaseError as error:
            text = _shortened(str(error))
            if _is_an_answer(text):
                breaker.answered()
            else:
                breaker.failed()
            raise OSError(text) from None
        breaker.answered()


def _is_an_answer(text: str) -> bool:
    """Whether an error is a refusal, and not a timeout, a broken connection or a failure of the server."""
    return "non-2xx status code: 4" in text or ("HTTP" not in text and "non-2xx" not in text)


def _shortened(text: str) -> str:
    """The error of a remote store without the debugging output, the answer's body and query strings.

    A body may quote credentials or name the id of a key. A query string may hold a signature.
    """
    without_debug = text.partition("\n\nDebug source")[0]
    line = _QUERY.sub("", _BODY.sub(r"\1", without_debug)).replace("\n", " ")
    return line.partition(": <")[0].partition(": {")[0][:_MOST_CHARACTERS]


def failing_as_os_error(error: BaseError) -> OSError:
    """The `OSError` for an error of obstore about a remote store, without its secrets."""
    return OSError(_shortened(str(error)))
