"""Where the files of an area are, and what a store on another server does that is out of order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from obstore.store import MemoryStore

from autonomy_core.files.area import FileArea
from autonomy_core.files.breaker import StoreDoesNotAnswer
from autonomy_core.files.layered import LayeredStorage
from autonomy_core.files.object_storage import PIECE_BYTES, ObjectStorage
from autonomy_core.files.places import Place, storage_at, storage_of_place
from autonomy_core.files.storage import storage_key
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import FilesSettings, StoreSettings
from autonomy_core.testing.storage_contract import CONTENT, DIGEST, KEY
from tests.support.s3_server import S3Server
from tests.support.silent_server import Silent

BOTH = {"access_key": Secret("AKEXAMPLE"), "secret_key": Secret("hidden-secret")}


def area(name: str = "parts", **more: Any) -> FileArea:
    return FileArea(name, lambda settings: settings.data / "own", plugin="scores", suffix=".bin", **more)


def settings(tmp_path: Path, *stores: StoreSettings) -> Any:
    return SimpleNamespace(data=tmp_path / "data", files=FilesSettings(*stores))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_an_area_has_a_prefix_of_its_own(tmp_path: Path) -> None:
    tree = StoreSettings(f"file://{tmp_path}/tree")
    bucket = StoreSettings("s3://shop/files", **BOTH)
    own = StoreSettings("s3://acme", **BOTH)
    places = area().places(settings(tmp_path, bucket, tree), own)

    assert [str(place) for place in places] == [
        "s3://acme/scores/parts",
        "s3://shop/files/scores/parts",
        f"file://{tmp_path}/tree/scores/parts",
    ]
    (default,) = area().places(settings(tmp_path))
    assert default.root == tmp_path / "data" / "own"


def test_two_areas_in_one_tree_do_not_see_each_others_files(tmp_path: Path, source: Path) -> None:
    server = settings(tmp_path, StoreSettings(f"file://{tmp_path}/tree"))
    assert area("parts").storage(server).put_file(KEY, source)
    assert list(area("covers").storage(server).keys("acme")) == []
    assert (tmp_path / "tree" / "scores" / "parts" / KEY).read_bytes() == CONTENT


def test_an_area_with_a_storage_of_its_own_keeps_it(tmp_path: Path, source: Path) -> None:
    kept = ObjectStorage(MemoryStore())
    server = settings(tmp_path, StoreSettings("s3://shop", **BOTH))
    assert area(make_storage=lambda _: kept).storage(server) is kept


def test_what_is_only_in_the_previous_store_is_read_and_deleted_there(tmp_path: Path, source: Path) -> None:
    new, old = (StoreSettings(f"file://{tmp_path}/{name}") for name in ("new", "old"))
    storage = area().storage(settings(tmp_path, new, old))
    before = area().storage(settings(tmp_path, old))
    before.put_file(KEY, source)

    assert isinstance(storage, LayeredStorage)
    assert b"".join(storage.open_range(KEY, 10, 20)) == CONTENT[10:21]
    file = storage.open_local(KEY, 5, 20)
    assert file is not None
    with file:
        assert file.read(5) == CONTENT[5:10]
    assert storage.put_file(KEY, source), "it is written to the new store as well"
    assert list(storage.keys("acme")) == [KEY]
    storage.delete(KEY)
    assert list(before.keys("acme")) == []
    with pytest.raises(FileNotFoundError):
        storage.size(KEY)


@pytest.fixture
def silent() -> Iterator[Silent]:
    server = Silent()
    yield server
    server.close()


def remote(tmp_path: Path, endpoint: str, timeout: int = 1) -> ObjectStorage:
    store = StoreSettings("s3://shop", endpoint=endpoint, path_style=True, **BOTH)
    return storage_of_place(Place(store, "scores", "parts", tmp_path, timeout))


@pytest.mark.processes
def test_the_calls_after_one_that_hung_do_not_wait(tmp_path: Path, silent: Silent, source: Path) -> None:
    storage = remote(tmp_path, silent.endpoint)
    with pytest.raises(OSError, match="error sending request") as error:
        storage.size(KEY)
    assert "hidden-secret" not in str(error.value)
    assert "AKEXAMPLE" not in str(error.value)
    asked = silent.connections
    for call in (
        lambda: storage.size(KEY),
        lambda: storage.put_file(KEY, source),
        lambda: storage.open_range(KEY, 0, 1),
        lambda: storage.delete(KEY),
        lambda: list(storage.keys("acme")),
    ):
        with pytest.raises(StoreDoesNotAnswer):
            call()
    assert silent.connections == asked


@pytest.mark.processes
def test_a_store_that_hangs_in_the_middle_of_a_file_is_an_error(tmp_path: Path) -> None:
    headers = b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-99/100\r\nContent-Length: 100\r\n"
    server = Silent(
        headers + b'ETag: "x"\r\nLast-Modified: Mon, 30 Nov 2026 05:00:00 GMT\r\n\r\n' + bytes(10)
    )
    try:
        storage = remote(tmp_path, server.endpoint)
        with pytest.raises(OSError):
            list(storage.open_range(KEY, 0, 99))
        with pytest.raises(StoreDoesNotAnswer):
            storage.size(KEY)
    finally:
        server.close()


@pytest.mark.processes
def test_a_wrong_key_is_refused_and_neither_key_is_shown(tmp_path: Path, s3: S3Server, source: Path) -> None:
    store = s3.store("shop", secret_key="hidden-secret")
    storage = storage_of_place(Place(store, "scores", "parts", tmp_path, 20))
    for _ in range(2):  # a refusal is an answer
        with pytest.raises(OSError, match="403 Forbidden") as error:
            storage.put_file(KEY, source)
        assert "hidden-secret" not in str(error.value)
        assert error.value.__cause__ is None


@pytest.mark.processes
def test_a_large_file_in_s3_is_read_in_several_requests(tmp_path: Path, s3: S3Server) -> None:
    (large := tmp_path / "large").write_bytes(bytes(range(251)) * (PIECE_BYTES * 3 // 251))
    content = large.read_bytes()
    storage = storage_at((Place(s3.store("shop/large"), "scores", "parts", tmp_path, 20),))
    key = storage_key("acme", DIGEST, ".bin")
    storage.put_file(key, large)
    assert b"".join(storage.open_range(key, 0, len(content) - 1)) == content
    assert b"".join(storage.open_range(key, 17, PIECE_BYTES + 20)) == content[17 : PIECE_BYTES + 21]
    with pytest.raises(OSError, match="ends before"):
        storage.open_range(key, 0, len(content))


@pytest.mark.processes
def test_keys_of_the_environment_are_not_mixed_with_those_of_the_file(
    tmp_path: Path, s3: S3Server, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "another")
    place = Place(s3.store("shop/environment"), "scores", "parts", tmp_path, 20)
    assert storage_of_place(place).put_file(KEY, source)
