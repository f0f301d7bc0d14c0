"""Access to tracks."""

from __future__ import annotations

from sqlalchemy import update

from autonomy_core.plugin_api.grants import Grant
from autonomy_core.plugin_api.models import utcnow
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import material


def test_the_owner_lists_the_tracks(shop, owned):
    album, _ = owned

    listed = shop.tracks(album)

    assert listed["next"] is None
    (track,) = listed["items"]
    assert list(track) == [
        "id", "title", "artist", "album", "genre", "year", "track_number", "disc_number", "duration_ms",
        "bitrate", "size", "isrc", "lyrics", "explicit", "hidden", "instant", "loudness", "available_at",
        "cover", "stream_url", "download_url", "formats",
    ]  # fmt: skip
    assert (track["title"], track["size"]) == (material.PIECE.title, len(MUSIC))


def test_the_owner_listens_with_a_token(shop, owned):
    _, track = owned
    headers = {name.replace("-", "_"): value for name, value in shop.as_ada.items()}

    answer = shop.get(f"{shop.api}/customers/tracks/{track['id']}/stream", **headers)

    assert answer.body == MUSIC
    assert answer.content_type == "audio/mpeg"
    assert answer.headers["Content-Disposition"] == "inline"


def test_a_customer_without_the_product_gets_a_404(shop, owned):
    album, track = owned
    bob = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "bob@example.org"))

    assert shop.tracks(album, headers=bob, status=404)["code"] == "not_found"
    for view in ("stream", "download"):
        shop.autonomy.app.get(f"{shop.api}/customers/tracks/{track['id']}/{view}", headers=bob, status=404)


def test_a_request_without_credentials_gets_a_401(shop, owned):
    album, track = owned

    shop.tracks(album, headers={}, status=401)
    shop.get(f"{shop.api}/customers/tracks/{track['id']}/stream", status=401)


def test_staff_credentials_do_not_open_the_customers_stream(shop, owned):
    _, track = owned

    shop.autonomy.app.get(f"{shop.api}/customers/tracks/{track['id']}/stream", headers=shop.staff, status=403)


def test_another_organisations_customer_gets_a_404(shop, owned, make_shop):
    album, track = owned
    beacon = make_shop("beacon")

    beacon.tracks(album, status=404)
    shop.autonomy.app.get(
        f"{beacon.api}/customers/tracks/{track['id']}/stream", headers=beacon.as_ada, status=404
    )


def test_a_revoked_grant_ends_streams_and_links(shop, owned):
    album, track = owned
    shop.get(track["stream_url"])

    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Grant).values(revoked_at=utcnow(), revoked_because="refund"))

    shop.tracks(album, status=404)
    shop.get(track["stream_url"], status=404)


def test_an_unknown_track_is_a_404(shop, owned):
    shop.autonomy.app.get(
        f"{shop.api}/customers/tracks/0198c0de-0000-7000-8000-000000000001/stream",
        headers=shop.as_ada,
        status=404,
    )


def test_a_product_of_another_kind_that_is_owned_has_no_tracks(shop):
    thing = shop.autonomy.product(shop.id)
    with shop.autonomy.scope(shop.id) as scope:
        payment = shop.sell(thing)
        scope.session.add(
            Grant(
                organisation_id=shop.id, customer_id=shop.ada.id, product_id=thing.id, payment_id=payment.id,
                environment="test", plugin="test",
            )
        )  # fmt: skip

    assert shop.tracks(thing) == {"items": [], "next": None}
