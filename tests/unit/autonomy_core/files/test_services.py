"""A received file is stored, and opened as the web server can send it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from obstore.store import MemoryStore
from structlog.testing import capture_logs

from autonomy_core.files.area import FileArea
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.files.services import open_file, store_upload
from autonomy_core.files.storage import BadKey
from autonomy_core.files.upload import Upload
from autonomy_core.tenancy.stores import FilesSettings

CONTENT = b"a recording" * 1000


class InDirectory:
    """A scope whose server keeps its data in a directory."""

    def __init__(self, directory: Path) -> None:
        self.organisation = SimpleNamespace(id="acme", settings={})
        self.server = SimpleNamespace(data=directory, files=FilesSettings())


def in_memory(_: Path) -> ObjectStorage:
    return ObjectStorage(MemoryStore())


def area(**more: Any) -> FileArea:
    return FileArea(
        "scores", lambda settings: settings.data / "files", plugin="scores", suffix=".pdf", **more
    )


@pytest.fixture
def scope(tmp_path: Path) -> Any:
    return InDirectory(tmp_path / "data")


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    path = tmp_path / "upload"
    path.write_bytes(CONTENT)
    return Upload(path, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "a.pdf", {})


class Wrapped:
    """A ``wsgi.file_wrapper`` that tells what it was given."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __iter__(self) -> Any:
        return iter([self.file.read()])


def test_a_local_file_is_given_to_the_web_server(scope: Any, upload: Upload) -> None:
    scores = area()
    key = store_upload(scope, scores, upload)

    body = open_file(scope, scores, key, 100, len(CONTENT) - 1, wrap=Wrapped)

    assert isinstance(body, Wrapped)
    assert b"".join(body) == CONTENT[100:]
    body.file.close()
    assert (scope.server.data / "files" / key).read_bytes() == CONTENT


def test_without_a_file_wrapper_the_file_is_read_in_chunks(scope: Any, upload: Upload) -> None:
    scores = area()
    key = store_upload(scope, scores, upload)

    assert b"".join(open_file(scope, scores, key, 5, 20, wrap=None)) == CONTENT[5:21]


def test_a_file_of_another_storage_is_read_in_chunks(scope: Any, upload: Upload) -> None:
    scores = area(make_storage=in_memory)
    key = store_upload(scope, scores, upload)

    body = open_file(scope, scores, key, 5, 20, wrap=Wrapped)

    assert b"".join(body) == CONTENT[5:21]
    assert not scope.server.data.exists()


def test_a_file_that_is_missing_is_unavailable_and_logged(scope: Any, upload: Upload) -> None:
    scores = area()
    key = store_upload(scope, scores, upload)
    (scope.server.data / "files" / key).unlink()

    with capture_logs() as logged, pytest.raises(StorageUnavailable):
        open_file(scope, scores, key, 0, 1, wrap=None)

    assert [(entry["event"], entry["key"]) for entry in logged] == [("scores.file_missing", key)]


@pytest.mark.parametrize("wrap", [None, Wrapped])
def test_a_file_of_another_organisation_is_never_opened(scope: Any, upload: Upload, wrap: Any) -> None:
    scores = area()
    key = store_upload(scope, scores, upload)
    scope.organisation.id = "bravo"

    with pytest.raises(BadKey):
        open_file(scope, scores, key, 0, 1, wrap=wrap)


@pytest.mark.parametrize("wrap", [None, Wrapped])
def test_a_file_that_is_cut_short_is_unavailable_and_logged(scope: Any, upload: Upload, wrap: Any) -> None:
    scores = area()
    key = store_upload(scope, scores, upload)

    with capture_logs() as logged, pytest.raises(StorageUnavailable):
        open_file(scope, scores, key, 0, len(CONTENT), wrap=wrap)

    assert [entry["event"] for entry in logged] == ["scores.file_unreadable"]


def test_a_file_that_cannot_be_stored_is_unavailable_and_logged(scope: Any, upload: Upload) -> None:
    scores = area()
    upload.path.unlink()

    with capture_logs() as logged, pytest.raises(StorageUnavailable):
        store_upload(scope, scores, upload)

    assert [entry["event"] for entry in logged] == ["scores.file_not_stored"]


def test_uploads_arrive_beside_the_stored_files(scope: Any) -> None:
    assert area().incoming(scope.server) == scope.server.data / "incoming"
    assert (scope.server.data / "incoming").is_dir()
