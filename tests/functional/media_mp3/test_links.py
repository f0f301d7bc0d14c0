"""Signed links, which play without a header."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from autonomy_core.files.links import signed_query
from autonomy_core.tenancy.secrets import Secret
from media_mp3.settings import LINKS
from tests.functional.media_mp3.shop import MUSIC


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def link(shop, path, customer_id, expires):
    with shop.autonomy.scope(shop.id) as scope:
        query = signed_query(LINKS.key(scope), path, customer_id, expires)
    return f"{path}?" + "&".join(f"{name}={value}" for name, value in query.items())


def test_a_link_plays_and_downloads_without_a_header(shop, owned):
    _, track = owned

    assert shop.get(track["stream_url"]).body == MUSIC
    download = shop.get(track["download_url"])
    assert download.body == MUSIC
    assert download.headers["Content-Disposition"] == (
        'attachment; filename="Ada & the Looms - Clockwork Orchard.mp3"'
    )


def test_a_link_plays_where_the_application_is_mounted_below_a_prefix(shop, owned):
    album, _ = owned
    mounted = {"SCRIPT_NAME": "/music shop"}
    app = shop.autonomy.app
    path = f"{shop.api}/customers/products/{album.id}/tracks"
    (track,) = app.get(path, headers=shop.as_ada, extra_environ=mounted).json["items"]

    parts = urlsplit(track["stream_url"])
    assert parts.path.startswith(f"/music%20shop{shop.api}/")
    below = parts.path.removeprefix("/music%20shop")
    assert app.get(f"{below}?{parts.query}", extra_environ=mounted).body == MUSIC
    app.get(f"{below}?{parts.query}", status=401)


def test_a_link_ends_after_the_minutes_that_the_organisation_sets(make_shop):
    shop = make_shop(link_minutes=5)
    album = shop.album()
    shop.upload(album)
    shop.sell(album)

    before, (track,) = int(time.time()), shop.tracks(album)["items"]

    assert before + 300 <= int(query_of(track["stream_url"])["expires"]) <= int(time.time()) + 300


def test_a_link_that_has_expired_opens_nothing(shop, owned):
    _, track = owned
    path = urlsplit(track["stream_url"]).path

    shop.get(link(shop, path, shop.ada.id, int(time.time()) + 60))
    shop.get(link(shop, path, shop.ada.id, int(time.time()) - 1), status=401)


def test_a_link_opens_its_own_path_and_no_other(shop, owned):
    _, track = owned
    stream, download = urlsplit(track["stream_url"]), urlsplit(track["download_url"])

    shop.get(f"{download.path}?{stream.query}", status=401)
    shop.get(f"{stream.path}?{download.query}", status=401)
    for path in ("customers/products", "customers/payments", "customers/me"):
        shop.get(f"{shop.api}/{path}?{stream.query}", status=401)


@pytest.mark.parametrize("field", ["expires", "customer", "signature"])
def test_a_link_that_was_changed_opens_nothing(shop, owned, field):
    _, track = owned
    bob = shop.autonomy.customer(shop.id, "bob@example.org")
    query = query_of(track["stream_url"])
    changed = {"expires": str(int(query["expires"]) + 1), "customer": str(bob.id), "signature": "A" * 43}

    tampered = {**query, field: changed[field]}

    assert tampered != query
    url = f"{urlsplit(track['stream_url']).path}?" + "&".join(f"{k}={v}" for k, v in tampered.items())
    shop.get(url, status=401)


def test_a_link_for_a_customer_without_the_track_is_a_404(shop, owned):
    _, track = owned
    bob = shop.autonomy.customer(shop.id, "bob@example.org")

    shop.get(link(shop, urlsplit(track["stream_url"]).path, bob.id, int(time.time()) + 60), status=404)


def test_another_organisations_key_signs_nothing_here(shop, owned, make_shop):
    _, track = owned
    beacon = make_shop("beacon")
    path = urlsplit(track["stream_url"]).path

    shop.get(link(beacon, path, shop.ada.id, int(time.time()) + 60), status=401)


def test_a_link_by_the_organisations_host_plays_there(shop, owned):
    album, _ = owned
    host = {"Host": "acme.example"}
    listed = shop.autonomy.app.get(
        f"/api/v1/customers/products/{album.id}/tracks", headers={**shop.as_ada, **host}
    ).json

    url = listed["items"][0]["stream_url"]

    assert re.match(r"http://acme\.example/api/v1/customers/tracks/[0-9a-f-]{36}/stream\?", url)
    assert shop.get(url, Host="acme.example").body == MUSIC


@pytest.mark.parametrize(
    "query",
    ["signature=", "signature=%FF&expires=1&customer=x", "&".join(["signature=a"] * 50), "signature=é"],
)
def test_an_invalid_query_gives_no_identity(shop, owned, query):
    _, track = owned

    shop.get(f"{urlsplit(track['stream_url']).path}?{query}", status=401)


def test_a_link_with_appended_parameters_plays(shop, owned):
    _, track = owned
    assert shop.get(f"{track['stream_url']}&_=1700000000&autoplay").body == MUSIC


def test_a_link_plays_on_while_the_servers_secret_is_replaced(shop, owned, monkeypatch):
    _, track = owned
    runtime = shop.autonomy.runtime

    def restart(**secrets):
        settings = replace(runtime.settings, **secrets)
        registry = shop.autonomy.app.app.registry
        monkeypatch.setattr(registry, "_runtime", replace(runtime, settings=settings))

    new = Secret("the new secret of the server".ljust(40, "."))
    restart(secret=new, previous_secrets=(runtime.settings.secret,))
    assert shop.get(track["stream_url"]).body == MUSIC
    restart(secret=new)
    shop.get(track["stream_url"], status=401)
