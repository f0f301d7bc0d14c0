"""A finished upload is used once, within the limits of its organisation and of the server."""

from __future__ import annotations

import errno
import os

import pytest

from autonomy_core.files import incoming, receiving
from autonomy_core.files.uploads import assembling, services
from autonomy_core.images import services as images
from autonomy_core.turns import FairTurns
from media_mp3 import services as tracks
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.tus import GIGABYTE, Uploads, limited_shop
from tests.isolation.sides import picture


@pytest.fixture
def shop(autonomy):
    return limited_shop(autonomy, storage_gb=1)


@pytest.fixture
def uploads(shop):
    return Uploads(shop)


def put_cover(shop, album, upload, status=200):
    return shop.autonomy.app.put(
        f"{shop.api}/admin/products/{album.id}/cover",
        {"upload": upload.rpartition("/")[2]},
        content_type="multipart/form-data",
        headers=shop.staff,
        status=status,
    ).json


def test_uploads_are_copied_from_the_store_when_the_turn_comes(shop, uploads, monkeypatch):
    path, album, turns = uploads.whole(MUSIC), shop.album(), FairTurns(concurrent=1, places=0)
    monkeypatch.setattr(receiving, "TURNS", turns)
    monkeypatch.setattr(assembling, "storage_of", unreachable)
    with turns.turn("another", 0):
        refused = uploads.use(album, path, status=503)
    assert (refused["code"], refused["retry_after"]) == ("unavailable", receiving.WAIT_S)
    monkeypatch.undo()
    uploads.use(album, path)


def unreachable(*_):
    raise AssertionError("the store is asked before the turn has come")


def test_room_that_another_upload_has_reserved_meanwhile_is_not_used(shop, uploads, monkeypatch):
    path, album, store_upload = uploads.whole(MUSIC), shop.album(), tracks.store_upload

    def meanwhile(*arguments):
        uploads.request("DELETE", path, status=204)
        uploads.begin(GIGABYTE)
        return store_upload(*arguments)

    monkeypatch.setattr(tracks, "store_upload", meanwhile)
    assert uploads.use(album, path, status=413)["code"] == "storage_full"
    assert uploads.usage()["bytes"] == GIGABYTE


def test_an_upload_is_gone_in_the_moment_in_which_it_is_used(shop, uploads, monkeypatch):
    path, album, keep_upload = uploads.whole(MUSIC), shop.album(), tracks.keep_upload

    def gone(scope, *arguments):
        keep_upload(scope, *arguments)
        assert services.find_upload(scope, arguments[-1].upload_id) is None

    monkeypatch.setattr(tracks, "keep_upload", gone)
    uploads.use(album, path)
    uploads.request("HEAD", path, status=404)
    assert uploads.use(album, path, status=422)["code"] == "upload_unknown"


def test_a_cover_needs_room_for_all_its_sizes(shop, uploads, monkeypatch):
    path, album = uploads.whole(picture("a cover")), shop.album()
    rest = uploads.begin(GIGABYTE - uploads.usage()["bytes"])
    with monkeypatch.context() as patched:
        patched.setattr(images, "keep_upload", unreachable)
        assert put_cover(shop, album, path, 413)["code"] == "storage_full"
    assert uploads.usage()["bytes"] == GIGABYTE
    uploads.request("DELETE", rest, status=204)
    put_cover(shop, album, path)
    uploads.request("HEAD", path, status=404)


def test_a_full_disk_is_not_told_as_an_unreadable_store(shop, uploads, monkeypatch):
    path, album = uploads.whole(MUSIC), shop.album()

    class FullDisk:
        def __init__(self, descriptor, _):
            self.descriptor = descriptor

        def __enter__(self):
            return self

        def __exit__(self, *_):
            os.close(self.descriptor)

        def write(self, _):
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(assembling.os, "fdopen", FullDisk)
    refused = uploads.use(album, path, status=503)
    assert (refused["code"], refused["detail"]) == ("storage_unavailable", "The file could not be written.")


def test_a_data_directory_that_cannot_be_written_is_unavailable(shop, uploads, monkeypatch):
    path = uploads.begin(10)
    monkeypatch.setattr(incoming, "remove_abandoned", unwritable)
    assert uploads.send(path, 0, b"12345", status=503).json["code"] == "storage_unavailable"
    assert uploads.offset(path) == 0


def unwritable(_):
    raise PermissionError(errno.EACCES, "not allowed")
