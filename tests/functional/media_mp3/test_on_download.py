"""A plugin hears which downloads and streams begin, whatever becomes of the bytes."""

from __future__ import annotations

from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.protocols import Redirect
from autonomy_core.testing.application import Plugins, chosen_plugins
from tests.functional.media_mp3.shop import MUSIC, Shop

COUNTING, FAILING = ModuleType("counting.plugin"), ModuleType("failing.plugin")
PLUGINS = ("media_mp3", "stand_ins", "failing", "counting")
begun = []


@hookimpl
def on_download(event):
    with event.scope.begin() as own:
        assert own.session.scalar(select(1)) == 1
    begun.append(event)


class Cdn:
    name = "counting"

    def hand_over(self, scope, file):
        return Redirect(f"https://cdn.example/{file.path}")


class Broken:
    name = "broken"

    def hand_over(self, scope, file):
        raise RuntimeError("it has no key")


@hookimpl
def register_deliveries():
    return [Cdn(), Broken()]


COUNTING.on_download = on_download
COUNTING.register_deliveries = register_deliveries


@hookimpl(specname="on_download")
def fail(event):
    raise RuntimeError("the counter is full")


FAILING.on_download = fail


@pytest.fixture(scope="module")
def autonomy_plugins():
    modules = chosen_plugins("media_mp3").modules
    return Plugins({**modules, "counting": COUNTING, "failing": FAILING})


@pytest.fixture
def make(autonomy):
    """Make a shop, with an album that Ada has bought and its only track."""

    def make(**files):
        autonomy.organisation("acme", plugins=PLUGINS, settings={"files": files} if files else None)
        shop = Shop(autonomy, "acme")
        album = shop.album()
        shop.upload(album)
        shop.sell(album)
        begun.clear()
        return shop, album, shop.tracks(album)["items"][0]

    return make


def test_each_beginning_is_told_and_nothing_else(make):
    shop, album, track = make()
    shop.get(track["stream_url"])
    shop.get(track["download_url"], status=206, Range="bytes=0-")
    for headers, status in (
        ({"Range": "bytes=0-1"}, 206),
        ({"Range": "bytes=1000-"}, 206),
        ({"If_None_Match": shop.get(track["stream_url"], method="HEAD").headers["ETag"]}, 304),
        ({"If_Match": '"another"'}, 412),
    ):
        shop.get(track["stream_url"], status=status, **headers)
    shop.get(track["stream_url"], method="HEAD")
    shop.get(f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/stream", **shop.staff)

    assert [(event.purpose, event.files) for event in begun] == [
        ("stream", "media_mp3/recordings"),
        ("download", "media_mp3/recordings"),
    ]
    event = begun[0]
    assert (event.customer_id, event.product_id) == (shop.ada.id, album.id)
    assert (event.item_id, event.size, event.media_type) == (UUID(track["id"]), len(MUSIC), "audio/mpeg")


def test_a_plugin_that_fails_does_not_fail_the_download(make):
    shop, _, track = make()
    with capture_logs() as logs:
        assert shop.get(track["stream_url"]).body == MUSIC

    (failure,) = [line for line in logs if line["event"] == "files.on_download_failed"]
    assert failure["plugin"] == "failing"
    assert len(begun) == 1, "the other plugin was called"


def test_a_plugins_delivery_sends_the_client_elsewhere(make):
    shop, _, track = make(delivery="counting")
    answer = shop.get(track["stream_url"], status=302)

    assert answer.location.startswith("https://cdn.example/media_mp3/recordings/acme/")
    assert answer.body == b""
    assert len(begun) == 1


def test_a_delivery_that_fails_leaves_the_file_to_the_application(make):
    shop, _, track = make(delivery="broken")
    with capture_logs() as logs:
        assert shop.get(track["stream_url"]).body == MUSIC
    assert "files.delivery_failed" in {line["event"] for line in logs}


def test_a_download_of_the_whole_is_told_once(make):
    shop, album, track = make(delivery="counting")
    path = f"{shop.api}/customers/products/{album.id}/archives"
    (archive,) = shop.autonomy.app.get(path, headers=shop.as_ada).json["items"]
    shop.get(archive["download_url"])
    shop.get(archive["download_url"], status=206, Range="bytes=500-")

    (event,) = begun
    assert (event.item_id, event.product_id, event.purpose) == (None, album.id, "download")
    assert event.contents == (UUID(track["id"]),)
    assert (event.files, event.media_type, event.size) == (
        "media_mp3/archives", "application/zip", archive["size"]
    )  # fmt: skip
