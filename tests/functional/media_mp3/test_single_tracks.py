"""A track of a release can be bought alone, as a product of its own."""

from __future__ import annotations

from uuid import UUID

import pytest

from autonomy_core.kernel.settlements import RefundReport, RefundStatus
from autonomy_core.plugin_api.catalog import Product, find_product
from media_mp3.subsonic.loading import load
from tests.functional.media_mp3.players import Player, cover
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.steps import DAYS, OTHER, heard_of, pass_days, remove, visit, work
from tests.unit.media_mp3 import masters


def sell_alone(shop, album, track, status=201, headers=None, **values):
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/single"
    body = {"amount": 100, **values}
    return shop.autonomy.app.post_json(path, body, headers=headers or shop.staff, status=status).json


def change(shop, product_id, **changes):
    path = f"{shop.api}/admin/products/{product_id}"
    shop.autonomy.app.patch_json(path, changes, headers=shop.staff)


def change_track(shop, album, track, **changes):
    change(shop, f"{album.id}/tracks/{track['id']}", **changes)


def sales(shop, album):
    """How visitors can buy each track alone."""
    return [
        track["sale"] for track in shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["tracks"]
    ]


def product_of(shop, track):
    with shop.autonomy.scope(shop.id) as scope:
        product = find_product(scope, UUID(track["single_id"]))
        assert isinstance(product, Product)
        return product


def purchase(shop, product_id, status=201, headers=None, **wish):
    path = f"{shop.api}/customers/products/{product_id}/purchase"
    return shop.autonomy.app.post_json(path, wish, headers=headers or shop.as_ada, status=status).json


def owned(shop, product):
    return [track["title"] for track in shop.tracks(product)["items"]]


def test_a_single_track_without_a_release_is_refused_with_a_remedy(shop):
    path = f"{shop.api}/admin/products"
    body = {"title": "Orphan", "kind": "mp3_track", "amount": 100}
    refused = shop.autonomy.app.post_json(path, body, headers=shop.staff, status=422).json
    assert refused["code"] == "kind_not_made_here"
    assert "tracks/{track_id}/single" in refused["detail"]
    assert shop.autonomy.app.get(path, headers=shop.staff).json["items"] == []


@pytest.fixture
def release(shop):
    """A release with two tracks, the first of which is sold alone."""
    album = shop.album(title="First Light")
    ferry = shop.upload(album, title="Night Ferry")["track"]
    shop.upload(album, OTHER, title="Slow Ferry")
    return album, sell_alone(shop, album, ferry)


def test_a_buyer_of_a_track_gets_exactly_this_track(shop, release):
    album, track = release
    (sale, none) = sales(shop, album)
    other_id = shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["tracks"][1]["id"]

    opened = purchase(shop, track["single_id"])
    shop.sell(product_of(shop, track))

    assert (sale["product_id"], sale["amount"], sale["purchasable"]) == (track["single_id"], 100, True)
    assert (none, opened["payment"]["amount"]) == (None, 100)
    (bought,) = shop.tracks(product_of(shop, track))["items"]
    assert (bought["title"], shop.get(bought["stream_url"]).body) == ("Night Ferry", MUSIC)
    assert shop.get(bought["download_url"]).body == MUSIC
    assert shop.tracks(album, status=404)["code"] == "not_found"
    shop.get(f"{shop.api}/customers/tracks/{other_id}/stream", 404, **shop.as_ada)
    library = shop.autonomy.app.get(f"{shop.api}/customers/products", headers=shop.as_ada).json["items"]
    assert [(each["kind"], each["part_of"]) for each in library] == [("mp3_track", str(album.id))]
    with shop.autonomy.scope(shop.id) as scope:
        albums = load(scope, shop.ada.id).albums
    in_player = [(each.title, [song.title for song in each.songs]) for each in albums]
    assert in_player == [("First Light", ["Night Ferry"])]


def test_a_buyer_of_a_track_gets_the_cover_of_its_release_in_a_player(shop, release):
    album, track = release
    cover(shop, album)
    shop.sell(product_of(shop, track))
    player = Player.of(shop)

    (song,) = player.ask("search3", query="")["searchResult3"]["song"]
    assert song["coverArt"] == f"al-{album.id}"
    for key in (song["coverArt"], song["id"]):
        assert player.get("getCoverArt", id=key).content_type == "image/jpeg"


def test_a_single_track_is_listed_with_its_release_only(shop, release):
    album, track = release

    items = shop.autonomy.app.get(f"{shop.api}/products").json["items"]
    single = shop.autonomy.app.get(f"{shop.api}/products/{track['single_id']}").json

    assert [each["id"] for each in items] == [str(album.id)]
    assert (single["title"], single["part_of"]) == ("Night Ferry", str(album.id))
    assert [(each["title"], each["sale"]) for each in single["tracks"]] == [("Night Ferry", None)]
    assert [each["name"] for each in single["formats"]] == ["mp3"]


def test_who_owns_the_release_owns_its_tracks(shop, release):
    album, track = release
    shop.sell(album)

    assert purchase(shop, track["single_id"], 409)["code"] == "already_owned"


@pytest.mark.parametrize("returned", ["release", "track"])
def test_a_refund_of_one_leaves_the_other(shop, release, returned):
    album, track = release
    single = product_of(shop, track)
    payments = {"track": shop.sell(single), "release": shop.sell(album)}
    given_back = payments[returned]
    refund = RefundReport("re_1", given_back.amount, given_back.currency, RefundStatus.SUCCEEDED)
    shop.autonomy.settle(given_back, refunds=(refund,))

    left, lost = (single, album) if returned == "release" else (album, single)
    assert owned(shop, left)[0] == "Night Ferry"
    assert shop.tracks(lost, status=404)["code"] == "not_found"
    path = f"{shop.api}/customers/tracks/{track['id']}/stream"
    assert shop.get(path, **shop.as_ada).body == MUSIC


@pytest.mark.parametrize(
    "changes",
    [
        {"active": False},
        {"archived": True},
        {"published_at": "2190-01-01T00:00:00Z"},
        {"release_date": "2190-01-01"},
    ],
    ids=["draft", "archived", "scheduled", "awaited"],
)
def test_a_track_is_sold_only_while_its_release_is(shop, release, changes):
    album, track = release
    late = shop.autonomy.customer(shop.id, "late@example.org")
    shop.sell(product_of(shop, track))

    change(shop, album.id, **changes)

    refused = purchase(shop, track["single_id"], 409, shop.autonomy.as_customer(late))
    assert refused["code"] == "not_for_sale"
    shop.get(f"{shop.api}/products/{track['single_id']}", 404)
    assert owned(shop, product_of(shop, track)) == ["Night Ferry"]


def test_before_the_release_a_track_is_held_back_unless_it_is_instant(shop, release):
    album, track = release
    change(shop, album.id, release_date="2190-01-01", preorder=True)
    purchase(shop, track["single_id"])
    shop.sell(single := product_of(shop, track))

    (held_back,) = shop.tracks(single)["items"]
    path = f"{shop.api}/customers/products/{single.id}/archives"
    archives = shop.autonomy.app.get(path, headers=shop.as_ada).json["items"]
    change_track(shop, album, track, instant=True)
    (instant,) = shop.tracks(single)["items"]

    assert (held_back["stream_url"], held_back["available_at"][:4]) == (None, "2190")
    assert [each["download_url"] for each in archives] == [None]
    assert shop.get(instant["stream_url"]).body == MUSIC


def test_a_track_that_is_removed_after_its_sale_stays_with_its_buyers(make_shop):
    shop = make_shop("collector")
    album = shop.album()
    track = sell_alone(shop, album, shop.upload(album, title="Night Ferry")["track"])
    single = product_of(shop, track)
    shop.sell(single)
    late = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "late@example.org"))

    remove(shop, album, track)
    pass_days(shop, DAYS + 1)
    visit(shop)

    assert purchase(shop, track["single_id"], 409, late)["code"] == "not_for_sale"
    (kept,) = shop.tracks(single)["items"]
    assert shop.get(kept["stream_url"]).body == MUSIC


def test_buyers_choose_what_they_pay_for_a_track(shop, release):
    _, track = release
    change(
        shop,
        track["single_id"],
        pay_what_you_want=True,
        other_prices=[{"currency": "usd", "amount": 120}],
    )

    assert purchase(shop, track["single_id"], amount=250)["payment"]["amount"] == 250
    in_dollars = purchase(shop, track["single_id"], currency="usd")["payment"]
    assert (in_dollars["amount"], in_dollars["currency"]) == (120, "usd")
    assert purchase(shop, track["single_id"], 422, amount=50)["code"] == "amount_too_small"


def test_staff_offer_a_track_once_and_its_title_follows(shop, release):
    album, track = release

    again = sell_alone(shop, album, track, 409)
    change_track(shop, album, track, title="Night Boat")
    removed = shop.upload(album, masters.wav(), title="Gone")["track"]
    remove(shop, album, removed)

    assert (again["code"], again["product_id"]) == ("single_exists", track["single_id"])
    assert product_of(shop, track).title == "Night Boat"
    assert sell_alone(shop, album, removed, 409)["code"] == "track_removed"
    assert sell_alone(shop, album, track, 422, amount=-1)["code"] == "invalid_input"


def test_another_organisation_neither_offers_nor_buys_the_track(shop, release, make_shop):
    album, track = release
    other = make_shop("beacon")
    path = f"{other.api}/admin/products/{album.id}/tracks/{track['id']}/single"

    shop.autonomy.app.post_json(path, {"amount": 1}, headers=other.staff, status=404)
    assert purchase(other, track["single_id"], 404)["code"] == "not_found"
    assert sell_alone(shop, album, track, 401, other.staff)["code"] == "not_authenticated"


def test_a_bundle_of_single_tracks_gives_each_of_them(shop, release):
    _, track = release
    body = {"title": "Ferries", "kind": "bundle", "amount": 90, "item_ids": [track["single_id"]]}
    path = f"{shop.api}/admin/products"
    bundle_id = shop.autonomy.app.post_json(path, body, headers=shop.staff).json["id"]
    with shop.autonomy.scope(shop.id) as scope:
        bundle = find_product(scope, UUID(bundle_id))

    shop.sell(bundle)

    assert owned(shop, product_of(shop, track)) == ["Night Ferry"]


@pytest.mark.processes
def test_a_buyer_of_a_track_gets_it_in_every_format(make_shop):
    shop = make_shop(formats="flac mp3_v0")
    album = shop.album()
    track = sell_alone(shop, album, shop.upload(album, masters.wav())["track"])
    work(shop)
    shop.sell(single := product_of(shop, track))

    seen_before = shop.autonomy.app.get(f"{shop.api}/products/{single.id}").json["formats"]
    (bought,) = shop.tracks(single)["items"]
    assert [each["name"] for each in seen_before] == ["flac", "mp3_v0"]
    assert [each["name"] for each in bought["formats"]] == ["flac", "mp3_v0"]
    assert heard_of(shop, bought, "flac")[:4] == b"fLaC"
