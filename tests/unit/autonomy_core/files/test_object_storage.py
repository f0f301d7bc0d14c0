"""What the local directory keeps beyond the contract."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from autonomy_core.files import object_storage
from autonomy_core.files.object_storage import CHUNK_BYTES, ObjectStorage
from autonomy_core.files.places import Place, storage_of_place
from autonomy_core.files.storage import BadKey, storage_key
from autonomy_core.tenancy.secrets import Secret
from autonomy_core.tenancy.stores import StoreSettings
from autonomy_core.testing.storage_contract import CONTENT, DIGEST, KEY


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def storage(root: Path) -> ObjectStorage:
    return ObjectStorage.in_directory(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_the_key_names_organisation_and_content() -> None:
    assert storage_key("acme", DIGEST, ".mp3") == f"acme/{DIGEST[:2]}/{DIGEST}.mp3"


@pytest.mark.parametrize(
    ("organisation", "digest", "suffix"),
    [("..", DIGEST, ".mp3"), ("a/b", DIGEST, ".mp3"), ("acme", "../x", ".mp3"), ("", DIGEST, ".mp3"),
     ("acme", DIGEST, ""), ("acme", DIGEST, "./x"), ("acme", DIGEST, ".MP3")],
)  # fmt: skip
def test_no_key_is_made_of_malformed_parts(organisation: str, digest: str, suffix: str) -> None:
    with pytest.raises(BadKey):
        storage_key(organisation, digest, suffix)


def test_a_file_is_in_the_directory_under_its_key(storage: ObjectStorage, source: Path, root: Path) -> None:
    storage.put_file(KEY, source)

    assert (root / KEY).read_bytes() == CONTENT


def test_nothing_but_files_is_left_in_the_directory(storage: ObjectStorage, source: Path, root: Path) -> None:
    storage.put_file(KEY, source)

    assert [entry for entry in root.rglob("*") if entry.is_file()] == [root / KEY]


def test_a_truncated_file_is_put_again(storage: ObjectStorage, source: Path, root: Path) -> None:
    storage.put_file(KEY, source)
    os.truncate(root / KEY, 100)

    assert storage.put_file(KEY, source)
    assert (root / KEY).read_bytes() == CONTENT
    assert not storage.put_file(KEY, source)


def test_chunks_have_one_size(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)

    chunks = list(storage.open_range(KEY, 100, 900_000))

    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK_BYTES}


def test_files_with_other_names_are_not_listed(storage: ObjectStorage, source: Path, root: Path) -> None:
    storage.put_file(KEY, source)
    (root / KEY).with_name("notes.txt").write_bytes(b"x")

    assert list(storage.keys("acme")) == [KEY]


def test_an_error_of_the_store_is_an_os_error(
    storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise GenericError("no such bucket")

    monkeypatch.setattr(object_storage.obstore, "head", fail)

    with pytest.raises(OSError, match="no such bucket"):
        storage.size(KEY)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://s3.example/x?X-Amz-Signature=abc in 1ms", "GET https://s3.example/x in 1ms"),
        ("non-2xx status code: 403 Forbidden: <Error><Key>AK</Key>", "non-2xx status code: 403 Forbidden"),
        ('non-2xx status code: 400 Bad Request: {"key": "-----"}', "non-2xx status code: 400 Bad Request"),
        ('Got an invalid answer: {"a": 1}\n\nDebug source:\nx', "Got an invalid answer"),
    ],
    ids=["query", "xml", "json", "debug-output"],
)
def test_the_error_of_a_remote_store_shows_no_secret(text: str, shown: str) -> None:
    assert str(object_storage.failing_as_os_error(GenericError(text))) == shown


def test_a_key_that_cannot_be_used_is_not_in_the_error(tmp_path: Path) -> None:
    store = StoreSettings("az://shop", access_key=Secret("account"), secret_key=Secret("not base64 !!"))

    with pytest.raises(OSError, match="Invalid Access Key") as caught:
        storage_of_place(Place(store, "scores", "parts", tmp_path, 5))
    assert "not base64" not in str(caught.value)
    assert caught.value.__suppress_context__
