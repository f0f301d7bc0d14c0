"""What visitors see of the tracks, and pre-orders as their buyers hear them."""

from dataclasses import replace

import pytest

from autonomy_core.catalog import availability, models
from autonomy_core.db.base import utcnow
from demo import music
from tests.unit.media_mp3 import material

LATER = "2990-01-01"


def upload(shop, album, title, **changes):
    content = music.tag(replace(material.PIECE, title=title)) + material.cbr()
    track = shop.upload(album, content, title=title)["track"]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"
    return shop.autonomy.app.patch_json(path, changes, headers=shop.staff).json if changes else track


def change(shop, product, **changes):
    path = f"{shop.api}/admin/products/{product.id}"
    return shop.autonomy.app.patch_json(path, changes, headers=shop.staff).json


def public(shop, product_id):
    return shop.autonomy.app.get(f"{shop.api}/products/{product_id}").json


def test_visitors_see_the_tracks_and_buyers_get_the_hidden_ones_too(shop):
    album = shop.album()
    upload(shop, album, "One", disc_number=1, isrc="at-s42-24-00001", explicit=True, artist="Ada")
    upload(shop, album, "Two", disc_number=2)
    upload(shop, album, "Secret", disc_number=2, hidden=True, lyrics="la\nla")
    gone = upload(shop, album, "Gone")
    upload(shop, album, "Three", disc_number=2)
    shop.autonomy.app.delete(f"{shop.api}/admin/products/{album.id}/tracks/{gone['id']}", headers=shop.staff)

    tracks = public(shop, album.id)["tracks"]

    seen = [(track["title"], track["disc"], track["number"]) for track in tracks]
    assert seen == [("One", 1, 1), ("Two", 2, 1), ("Three", 2, 2)]
    assert {name: tracks[0][name] for name in ("artist", "isrc", "explicit", "instant", "preview_url")} == {
        "artist": "Ada",
        "isrc": "ATS422400001",
        "explicit": True,
        "instant": False,
        "preview_url": None,
    }
    assert tracks[0]["duration_ms"] > 0
    shop.sell(album)
    owned = shop.tracks(album)["items"]
    assert [track["title"] for track in owned] == ["One", "Two", "Secret", "Three"]
    assert (owned[2]["hidden"], owned[2]["lyrics"]) == (True, "la\nla")
    mine = shop.autonomy.app.get(f"{shop.api}/customers/products/{album.id}", headers=shop.as_ada).json
    assert mine["tracks"] == tracks


def test_a_bundle_shows_the_tracks_of_its_products(shop):
    album, other = shop.album(title="Album"), shop.autonomy.product(shop.id)
    upload(shop, album, "One")
    body = {"title": "Both", "kind": "bundle", "amount": 9, "item_ids": [str(album.id), str(other.id)]}
    path = f"{shop.api}/admin/products"
    bundle = shop.autonomy.app.post_json(path, {**body, "amount": 900}, headers=shop.staff).json

    seen = public(shop, bundle["id"])

    assert [[track["title"] for track in item["tracks"]] for item in seen["items"]] == [["One"], []]
    assert seen["tracks"] == []


def test_the_tracks_of_another_organisation_are_not_shown(make_shop):
    one, other = make_shop(), make_shop("beacon")
    mine, theirs = one.album(), other.album()
    upload(one, mine, "Mine")
    upload(other, theirs, "Theirs")

    assert [track["title"] for track in public(one, mine.id)["tracks"]] == ["Mine"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isrc", "ATS42240000"),
        ("isrc", "4TS422400001"),
        ("isrc", "ATS42240000\u0661"),
        ("isrc", "AT--S422400001"),
        ("lyrics", "la" * 10_001),
        ("lyrics", "\x00"),
        ("hidden", None),
        ("instant", "true"),
    ],
)
def test_a_wrong_value_of_a_track_is_refused(shop, field, value):
    album = shop.album()
    track = upload(shop, album, "One")
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"

    refused = shop.autonomy.app.patch_json(path, {field: value}, headers=shop.staff, status=422).json

    assert list(refused["errors"]["body"]) == [field]


def test_a_pre_order_delivers_only_instant_tracks_at_once(shop, monkeypatch):
    album = shop.album()
    upload(shop, album, "One", instant=True)
    upload(shop, album, "Two")
    change(shop, album, release_date=LATER, preorder=True)
    assert [track["instant"] for track in public(shop, album.id)["tracks"]] == [True, False]
    shop.sell(album)

    one, two = shop.tracks(album)["items"]

    assert (one["available_at"], two["available_at"]) == (None, "2990-01-01T00:00:00Z")
    assert shop.get(one["stream_url"]).status_int == 200
    assert (two["stream_url"], two["download_url"]) == (None, None)
    for view in ("stream", "download"):
        path = f"{shop.api}/customers/tracks/{two['id']}/{view}"
        refused = shop.get(path, status=403, **shop.as_ada).json
        assert (refused["code"], refused["available_at"]) == ("not_available_yet", two["available_at"])
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))
    shop.get(f"{shop.api}/customers/tracks/{two['id']}/stream", status=404, **bob)
    shop.get(f"{shop.api}/admin/products/{album.id}/tracks/{two['id']}/stream", **shop.staff)

    # The end of the pre-orders delivers nothing.
    change(shop, album, preorder=False)
    assert shop.tracks(album)["items"][1]["stream_url"] is None

    released = utcnow().replace(year=2990)
    for module in (availability, models):
        monkeypatch.setattr(module, "utcnow", lambda: released)
    two = shop.tracks(album)["items"][1]
    assert two["available_at"] is None
    assert shop.get(two["download_url"]).status_int == 200


def test_a_release_that_is_put_off_holds_back_its_links(shop, owned):
    album, track = owned
    assert shop.get(track["stream_url"]).status_int == 200

    change(shop, album, release_date=LATER)

    assert shop.get(track["stream_url"], status=403).json["code"] == "not_available_yet"
    change(shop, album, release_date=None)
    assert shop.get(track["stream_url"]).status_int == 200


def test_a_release_is_found_by_the_titles_of_its_tracks(shop):
    album = shop.album(title="First Light")
    track = shop.upload(album, title="Night Ferry")["track"]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"

    def found(words):
        items = shop.autonomy.app.get(f"{shop.api}/products?q={words}").json["items"]
        return [item["title"] for item in items]

    def change(**changes):
        shop.autonomy.app.patch_json(path, changes, headers=shop.staff)

    assert found("ferry") == found("light+night") == found("fery") == ["First Light"]
    change(title="Slow Boat")
    assert (found("ferry"), found("boat")) == ([], ["First Light"])
    change(hidden=True)
    assert (found("boat"), found("light")) == ([], ["First Light"])
    change(hidden=False)
    assert found("boat") == ["First Light"]
