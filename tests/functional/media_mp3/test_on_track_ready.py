"""A plugin hears when a recording is there in all the formats that a shop sells."""

from __future__ import annotations

from types import ModuleType
from uuid import UUID

import pytest
from sqlalchemy import select

from autonomy_core.plugin_api.catalog import Product
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing.application import Plugins, chosen_plugins
from media_mp3.renditions.services import ANNOUNCE_JOB
from tests.functional.media_mp3.shop import MUSIC, Shop
from tests.functional.media_mp3.steps import work
from tests.unit.media_mp3 import masters

pytestmark = pytest.mark.processes

NOTING = ModuleType("noting.plugin")
ready, failures = [], []


@hookimpl
def on_track_ready(event):
    title = event.scope.session.scalar(select(Product.title).where(Product.id == event.product_id))
    ready.append((event.track_id, title, event.formats))
    if failures:
        raise failures.pop()


NOTING.on_track_ready = on_track_ready


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("media_mp3").modules, "noting": NOTING})


@pytest.fixture
def open_shop(autonomy):
    def open_shop(**settings):
        plugins = ("media_mp3", "stand_ins", "noting")
        autonomy.organisation("acme", plugins=plugins, settings={"media_mp3": settings} if settings else None)
        ready.clear()
        failures.clear()
        return Shop(autonomy, "acme")

    return open_shop


def test_a_plugin_is_told_of_the_last_format_and_of_each_change(open_shop):
    shop = open_shop(formats="flac opus")
    album = shop.album(title="First Light")
    track = shop.upload(album, masters.wav(), title="Night Ferry")["track"]
    event = (UUID(track["id"]), "First Light", ("flac", "opus"))
    assert ready == []

    work(shop)
    assert ready == [event]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"
    shop.autonomy.app.patch_json(path, {"title": "Slow Ferry"}, headers=shop.staff)
    work(shop)
    assert ready == [event, event]
    work(shop)
    assert ready == [event, event], "nothing has changed"


def test_a_plugin_that_fails_is_told_again_and_buyers_have_the_format(open_shop):
    shop = open_shop(formats="flac")
    album = shop.album(title="First Light")
    shop.upload(album, masters.wav())
    shop.sell(album)
    failures.append(RuntimeError("the newsletter is closed"))

    shop.autonomy.run_jobs(shop.id)
    with pytest.raises(RuntimeError, match="newsletter"):
        shop.autonomy.run_jobs(shop.id)

    (track,) = shop.tracks(album)["items"]
    assert [each["name"] for each in track["formats"]] == ["flac"]
    assert ANNOUNCE_JOB in {each["task_name"] for each in shop.autonomy.jobs(shop.id)}
    work(shop)
    assert ready == [(UUID(track["id"]), "First Light", ("flac",))] * 2


def test_of_a_shop_that_sells_masters_a_plugin_hears_nothing(open_shop):
    shop = open_shop()
    shop.upload(shop.album(), MUSIC)
    work(shop)
    assert ready == []
