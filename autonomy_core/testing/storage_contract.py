"""`StorageContract`: what every storage of files has to keep, as tests to inherit.

In a plugin's tests::

    from autonomy_core.testing.storage_contract import StorageContract


    class TestContract(StorageContract):
        @pytest.fixture
        def storage(self):
            return MyStorage(...)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from autonomy_core.files.storage import BadKey, Storage, storage_key

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = storage_key("acme", DIGEST, ".bin")
LARGEST_CHUNK = 16 * 1024 * 1024

BAD_KEYS = [
    "",
    "/",
    f"../{KEY}",
    f"{KEY}/..",
    f"acme/../globex/{DIGEST}",
    f"/{KEY}",
    f"acme/zz/{DIGEST}.bin",
    f"acme/00/{'ff' * 32}.bin",
    f"acme//{DIGEST}.bin",
    f"ac me/{DIGEST[:2]}/{DIGEST}.bin",
    f"{KEY}\n",
    f"acme/{DIGEST[:2]}/{DIGEST.upper()}.bin",
    f"./{DIGEST[:2]}/{DIGEST}.bin",
    f"{KEY}\0",
    f"%2e%2e/{KEY}",
    f"acme/{DIGEST[:2]}/{DIGEST}",
    f"acme/{DIGEST[:2]}/{DIGEST}.b/n",
]


class StorageContract:
    """Inherit it, and give the fixture ``storage``: a `Storage` that is empty when a test begins."""

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage. Override it."""
        raise NotImplementedError

    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        """A received file."""
        path = tmp_path / "source"
        path.write_bytes(CONTENT)
        return path

    def test_it_is_a_storage(self, storage: Storage) -> None:
        """It has every method."""
        assert isinstance(storage, Storage)

    def test_a_file_is_read_as_it_was_put(self, storage: Storage, source: Path) -> None:
        """The bytes are the same, and the source is left alone."""
        assert storage.put_file(KEY, source)
        assert storage.size(KEY) == len(CONTENT)
        assert b"".join(storage.open_range(KEY, 0, len(CONTENT) - 1)) == CONTENT
        assert source.read_bytes() == CONTENT

    def test_a_file_is_written_once(self, storage: Storage, source: Path, tmp_path: Path) -> None:
        """A second file of the same size under the same key is not written."""
        storage.put_file(KEY, source)
        (other := tmp_path / "other").write_bytes(bytes(len(CONTENT)))
        assert not storage.put_file(KEY, other)
        assert b"".join(storage.open_range(KEY, 0, 255)) == CONTENT[:256]

    def test_a_shorter_file_is_replaced(self, storage: Storage, source: Path, tmp_path: Path) -> None:
        """A power failure can leave one."""
        (cut := tmp_path / "cut").write_bytes(CONTENT[:100])
        storage.put_file(KEY, cut)
        assert storage.put_file(KEY, source)
        assert storage.size(KEY) == len(CONTENT)

    @pytest.mark.parametrize(("start", "end"), [(0, 0), (100, 900_000), (len(CONTENT) - 1, len(CONTENT) - 1)])
    def test_a_part_is_read_in_chunks(self, storage: Storage, source: Path, start: int, end: int) -> None:
        """Both ends are included, and no chunk is unbounded."""
        storage.put_file(KEY, source)
        chunks = list(storage.open_range(KEY, start, end))
        assert b"".join(chunks) == CONTENT[start : end + 1]
        assert max(map(len, chunks)) <= LARGEST_CHUNK

    def test_an_empty_part_has_no_bytes(self, storage: Storage, source: Path) -> None:
        """The part of an empty file ends before it begins."""
        storage.put_file(KEY, source)
        assert list(storage.open_range(KEY, 0, -1)) == []

    def test_a_part_behind_the_end_is_an_error_at_once(self, storage: Storage, source: Path) -> None:
        """The status of the answer is sent before the first chunk is read."""
        storage.put_file(KEY, source)
        with pytest.raises(OSError, match="ends before"):
            storage.open_range(KEY, 0, len(CONTENT))
        if (file := _opened(storage, 0)) is not None:
            file.close()
            with pytest.raises(OSError, match="ends before"):
                storage.open_local(KEY, 0, len(CONTENT))

    def test_a_local_file_is_open_at_its_part(self, storage: Storage, source: Path) -> None:
        """The web server sends it from there. A storage without local files returns None."""
        storage.put_file(KEY, source)
        if (file := _opened(storage, 1000)) is not None:
            with file:
                assert file.read(100) == CONTENT[1000:1100]

    def test_a_missing_file_is_not_found(self, storage: Storage) -> None:
        """By the call, and not by the first chunk."""
        with pytest.raises(FileNotFoundError):
            storage.size(KEY)
        with pytest.raises(FileNotFoundError):
            storage.open_range(KEY, 0, 1)

    def test_a_deleted_file_is_gone(self, storage: Storage, source: Path) -> None:
        """To delete it again does nothing."""
        storage.put_file(KEY, source)
        storage.delete(KEY)
        storage.delete(KEY)
        assert list(storage.keys("acme")) == []
        with pytest.raises(FileNotFoundError):
            storage.size(KEY)

    def test_the_files_of_one_organisation_are_listed(self, storage: Storage, source: Path) -> None:
        """Organisations whose ids begin alike are others."""
        storage.put_file(KEY, source)
        for other in ("acme2", "acme-b", "globex"):
            assert storage.put_file(storage_key(other, DIGEST, ".bin"), source)
        assert list(storage.keys("acme")) == [KEY]
        assert list(storage.keys("nobody")) == []

    def test_the_same_file_is_put_by_many_at_once(
        self, storage: Storage, source: Path, tmp_path: Path
    ) -> None:
        """Each of them succeeds, and a reader never sees a part of it."""
        larger = CONTENT * 12
        key = storage_key("acme", hashlib.sha256(larger).hexdigest(), ".bin")
        source.write_bytes(larger)
        with ThreadPoolExecutor(4) as pool:
            putting = [pool.submit(storage.put_file, key, source) for _ in range(4)]
            while not all(each.done() for each in putting):
                with suppress(FileNotFoundError):
                    assert storage.size(key) == len(larger)
                    assert b"".join(storage.open_range(key, 0, len(larger) - 1)) == larger
        assert any(each.result() for each in putting)
        assert list(storage.keys("acme")) == [key]
        assert b"".join(storage.open_range(key, 5_000_000, len(larger) - 1)) == larger[5_000_000:]

    def test_many_files_are_listed(self, storage: Storage, tmp_path: Path) -> None:
        """Also those of a second directory of digests, and each once."""
        keys = set()
        for number in range(20):
            (file := tmp_path / "one").write_bytes(str(number).encode())
            keys.add(storage_key("acme", hashlib.sha256(file.read_bytes()).hexdigest(), ".bin"))
            assert storage.put_file(max(keys - set(storage.keys("acme"))), file)
        assert sorted(storage.keys("acme")) == sorted(keys)

    def test_what_is_not_there_is_deleted_without_an_error(self, storage: Storage, source: Path) -> None:
        """It is the same with and without other files."""
        storage.delete(KEY)
        other = storage_key("globex", DIGEST, ".bin")
        storage.put_file(other, source)
        storage.delete(KEY)
        assert list(storage.keys("globex")) == [other]

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_a_key_of_another_form_is_refused(self, storage: Storage, source: Path, key: str) -> None:
        """It could lead out of the storage, or to another organisation."""
        attempts: list[Callable[[], object]] = [
            lambda: storage.put_file(key, source),
            lambda: storage.open_range(key, 0, 1),
            lambda: storage.open_local(key, 0, 1),
            lambda: storage.size(key),
            lambda: storage.delete(key),
        ]
        for attempt in attempts:
            with pytest.raises(BadKey):
                attempt()


def _opened(storage: Storage, start: int) -> BinaryIO | None:
    return storage.open_local(KEY, start, len(CONTENT) - 1)
