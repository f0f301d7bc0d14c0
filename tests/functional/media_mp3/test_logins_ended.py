"""Players and podcasts end when the customer's logins do."""

from __future__ import annotations

import pytest

from autonomy_core.plugin_api.customers import find_customer_by_email
from autonomy_core.testing.application import chosen_plugins
from tests.functional.customer_auth.shop import PASSWORD
from tests.functional.customer_auth.shop import Shop as Accounts
from tests.functional.media_mp3.players import Player
from tests.functional.media_mp3.shop import Shop

EVE = "eve@example.org"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return chosen_plugins("customer_auth", "media_mp3")


@pytest.fixture
def accounts(autonomy):
    autonomy.organisation("acme", plugins=("customer_auth", "media_mp3", "stand_ins"))
    return Accounts(autonomy, "acme")


@pytest.fixture
def shop(accounts):
    return Shop(accounts.autonomy, "acme")


def feed_of(shop, album, headers):
    path = f"{shop.api}/customers/products/{album.id}/feed"
    return shop.autonomy.app.post(path, headers=headers, status=201).json["rss_url"]


def test_a_changed_password_ends_the_players_and_feeds_of_its_owner(accounts, shop):
    token = accounts.register(EVE).json["access_token"]
    as_eve = {"Authorization": f"Bearer {token}"}
    album = shop.album()
    shop.upload(album)
    with shop.autonomy.scope(shop.id) as scope:
        eve = find_customer_by_email(scope, EVE)
    for customer in (eve, shop.ada):
        shop.sell(album, customer)
    player, feed = Player.of(shop, as_eve), feed_of(shop, album, as_eve)
    of_ada, feed_of_ada = Player.of(shop), feed_of(shop, album, shop.as_ada)
    player.ask("ping")
    shop.get(feed)

    new = accounts.change_password(token, PASSWORD, "a longer engine").json["access_token"]

    assert player.refused("ping") == 40
    shop.get(feed, 404)
    of_ada.ask("ping")
    shop.get(feed_of_ada)
    Player.of(shop, {"Authorization": f"Bearer {new}"}).ask("ping")


def make_a_feed(shop, album, headers, status):
    return shop.autonomy.app.post(
        f"{shop.api}/customers/products/{album.id}/feed", headers=headers, status=status
    )


def make_an_app_password(shop, album, headers, status):
    path = f"{shop.api}/customers/app-passwords"
    return shop.autonomy.app.post_json(path, {"name": "A phone"}, headers=headers, status=status)


@pytest.mark.parametrize("make", [make_a_feed, make_an_app_password])
def test_a_token_from_before_a_new_password_makes_nothing(accounts, shop, make):
    token = accounts.register(EVE).json["access_token"]
    before = {"Authorization": f"Bearer {token}"}
    album = shop.album()
    shop.upload(album)
    with shop.autonomy.scope(shop.id) as scope:
        shop.sell(album, find_customer_by_email(scope, EVE))
    new = accounts.change_password(token, PASSWORD, "a longer engine").json["access_token"]

    assert make(shop, album, before, 401).json["code"] == "not_authenticated"
    make(shop, album, {"Authorization": f"Bearer {new}"}, 201)
