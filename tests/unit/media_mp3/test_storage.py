"""Files are kept under their content, and no key leads anywhere else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from media_mp3.storage import CHUNK_BYTES, BadKey, ObjectStorage, Storage, storage_key

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = storage_key("acme", DIGEST)


@pytest.fixture
def storage(tmp_path: Path) -> ObjectStorage:
    return ObjectStorage.in_directory(tmp_path / "made" / "on demand")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_it_is_a_storage(storage: ObjectStorage) -> None:
    assert isinstance(storage, Storage)


def test_the_key_names_organisation_and_content() -> None:
    assert f"acme/{DIGEST[:2]}/{DIGEST}.mp3" == KEY


def test_what_was_put_is_read_back(storage: ObjectStorage, source: Path) -> None:
    assert storage.put_file(KEY, source)
    assert storage.size(KEY) == len(CONTENT)
    assert b"".join(storage.open_range(KEY, 0, len(CONTENT) - 1)) == CONTENT
    assert source.read_bytes() == CONTENT


def test_a_file_that_was_cut_short_is_put_anew(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)
    stored = storage.local_path(KEY)
    assert stored is not None
    os.truncate(stored, 100)

    assert storage.put_file(KEY, source)
    assert stored.read_bytes() == CONTENT
    assert not storage.put_file(KEY, source)


def test_a_part_is_read_in_chunks(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)

    chunks = list(storage.open_range(KEY, 100, 900_000))

    assert b"".join(chunks) == CONTENT[100:900_001]
    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK_BYTES}


def test_an_empty_part_has_no_bytes(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)

    assert list(storage.open_range(KEY, 0, -1)) == []


def test_a_file_is_written_once(storage: ObjectStorage, source: Path, tmp_path: Path) -> None:
    storage.put_file(KEY, source)
    (other := tmp_path / "other").write_bytes(bytes(len(CONTENT)))

    assert not storage.put_file(KEY, other)
    assert storage.size(KEY) == len(CONTENT)


def test_a_file_lies_where_a_web_server_finds_it(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)
    path = storage.local_path(KEY)

    assert path is not None
    assert path.read_bytes() == CONTENT


def test_nothing_but_files_is_left_in_the_directory(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)
    path = storage.local_path(KEY)

    assert path is not None
    assert [entry for entry in path.parents[2].rglob("*") if entry.is_file()] == [path]


def test_a_deleted_file_is_gone_and_deleting_again_is_harmless(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)
    storage.delete(KEY)
    storage.delete(KEY)

    with pytest.raises(FileNotFoundError):
        storage.size(KEY)
    with pytest.raises(FileNotFoundError):
        storage.open_range(KEY, 0, 1)


def test_the_files_of_one_organisation_are_listed_and_nothing_else(
    storage: ObjectStorage, source: Path
) -> None:
    storage.put_file(KEY, source)
    for other in ("acme2", "acme-b", "globex"):
        storage.put_file(storage_key(other, DIGEST), source)
    path = storage.local_path(KEY)
    assert path is not None
    path.with_name("notes.txt").write_bytes(b"x")

    assert list(storage.keys("acme")) == [KEY]
    assert list(storage.keys("nobody")) == []


def test_the_same_content_of_two_organisations_is_two_files(storage: ObjectStorage, source: Path) -> None:
    storage.put_file(KEY, source)

    assert storage.put_file(storage_key("globex", DIGEST), source)


@pytest.mark.parametrize(
    "key",
    ["", "/", "../" + KEY, KEY + "/..", "acme/../globex/" + DIGEST, f"/acme/{DIGEST[:2]}/{DIGEST}.mp3",
     f"acme/zz/{DIGEST}.mp3", f"acme/00/{'ff' * 32}.mp3", f"acme//{DIGEST}.mp3", f"ac me/{DIGEST[:2]}/{DIGEST}.mp3",
     f"acme/{DIGEST[:2]}/{DIGEST}.mp3\n", f"acme/{DIGEST[:2]}/{DIGEST.upper()}.mp3", f"./{DIGEST[:2]}/{DIGEST}.mp3",
     "acme/" + DIGEST[:2] + "/" + DIGEST + ".mp3\0", "%2e%2e/" + KEY],
)  # fmt: skip
def test_a_key_of_another_form_reaches_no_store(key: str, storage: ObjectStorage, source: Path) -> None:
    for attempt in (
        lambda: storage.put_file(key, source),
        lambda: storage.open_range(key, 0, 1),
        lambda: storage.size(key),
        lambda: storage.delete(key),
        lambda: storage.local_path(key),
    ):
        with pytest.raises(BadKey):
            attempt()


@pytest.mark.parametrize(
    ("organisation", "digest"), [("..", DIGEST), ("a/b", DIGEST), ("acme", "../x"), ("", DIGEST)]
)
def test_no_key_is_made_of_malformed_parts(organisation: str, digest: str) -> None:
    with pytest.raises(BadKey):
        storage_key(organisation, digest)
