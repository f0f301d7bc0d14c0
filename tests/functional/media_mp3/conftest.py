"""A shop that sells recordings, and its API as staff and listeners use it."""

from __future__ import annotations

import pytest

from autonomy_core.testing.application import chosen_plugins
from tests.functional.media_mp3.shop import Shop


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("media_mp3")


@pytest.fixture
def make_shop(autonomy):
    def make(organisation_id="acme", **settings):
        autonomy.organisation(
            organisation_id,
            plugins=("media_mp3", "stand_ins"),
            settings={"media_mp3": {key: str(value) for key, value in settings.items()}}
            if settings
            else None,
        )
        return Shop(autonomy, organisation_id)

    return make


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def committed_shop(committed):
    committed.organisation("acme", plugins=("media_mp3", "stand_ins"))
    return Shop(committed, "acme")


@pytest.fixture
def owned(shop):
    """An album with one track that Ada has bought, and the track as she sees it."""
    album = shop.album()
    shop.upload(album)
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]
    return album, track
