"""A product as a private podcast and as a playlist, for its owner's players."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from io import BytesIO
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from zipfile import ZipFile

import psycopg
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from autonomy_core.customers.erasing import erase
from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.plugin_api.catalog import find_product
from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.errors import NotAuthenticated
from autonomy_core.plugin_api.events import LoginsEnded
from autonomy_core.testing.locks import BLOCKED
from media_mp3.feeds import services
from media_mp3.feeds.models import Feed
from media_mp3.plugin import on_logins_ended
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.steps import picture
from tests.unit.media_mp3 import material

OTHER = material.cbr(48000)
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"


@pytest.fixture
def release(shop):
    album = shop.album(
        title="Tea & <Tide>", description="*Songs* of the [sea](https://sea.example)\n\n- & <more>"
    )
    for content, title in ((MUSIC, "Night Ferry"), (OTHER, "Ça va?")):
        shop.upload(album, content, title=title)
    shop.sell(album)
    return album


def make(shop, product, status=201, headers=None):
    path = f"{shop.api}/customers/products/{product.id}/feed"
    return shop.autonomy.app.post(path, headers=headers or shop.as_ada, status=status).json


def listed(shop):
    return shop.autonomy.app.get(f"{shop.api}/customers/feeds", headers=shop.as_ada).json["items"]


def channel_of(answer):
    return ET.fromstring(answer.body).find("channel")


def enclosures(answer):
    return [item.find("enclosure").attrib for item in channel_of(answer).iter("item")]


def published_before_now(items):
    return max(parsedate_to_datetime(item.findtext("pubDate")) for item in items) <= utcnow()


def test_a_podcast_player_hears_what_the_owner_bought(shop, release):
    feed = make(shop, release)
    answer = shop.get(feed["rss_url"])

    assert answer.content_type == "application/rss+xml"
    channel = channel_of(answer)
    assert [channel.findtext(name) for name in ("title", "link", "description")] == [
        "Tea & <Tide>", "https://acme.example/", "Songs of the sea\n& <more>"
    ]  # fmt: skip
    assert [channel.findtext(f"{ITUNES}{name}") for name in ("type", "block", "explicit")] == [
        "serial", "Yes", "false"
    ]  # fmt: skip
    items = list(channel.iter("item"))
    assert [item.findtext("title") for item in items] == ["Night Ferry", "Ça va?"]
    assert [item.findtext(f"{ITUNES}episode") for item in items] == ["1", "2"]
    assert len({item.findtext("guid") for item in items}) == 2
    assert published_before_now(items)
    for enclosure, content in zip(enclosures(answer), (MUSIC, OTHER), strict=True):
        assert (enclosure["length"], enclosure["type"]) == (str(len(content)), "audio/mpeg")
        assert enclosure["url"].endswith(".mp3")
        assert shop.get(enclosure["url"]).body == content
        part = shop.get(enclosure["url"], status=206, Range="bytes=100-199")
        assert part.body == content[100:200]
    assert shop.get(feed["rss_url"], status=304, If_None_Match=answer.headers["ETag"]).body == b""


def test_a_playlist_has_the_same_tracks(shop, release):
    lines = shop.get(make(shop, release)["playlist_url"]).text.splitlines()

    assert lines[:2] == ["#EXTM3U", "#PLAYLIST:Tea & <Tide>"]
    assert [line.partition(",")[2] for line in lines[2::2]] == ["Ada & the Looms - Night Ferry", "Ça va?"]
    assert [shop.get(url).body for url in lines[3::2]] == [MUSIC, OTHER]


def test_the_token_is_shown_once_and_kept_as_a_hash(shop, release):
    feed = make(shop, release)
    (token,) = parse_qs(urlsplit(feed["rss_url"]).query)["token"]

    (shown,) = listed(shop)
    assert (shown["id"], shown["title"], shown["used_at"]) == (feed["id"], "Tea & <Tide>", None)
    assert token not in json.dumps(shown)
    with shop.autonomy.scope(shop.id) as scope:
        (kept,) = scope.session.scalars(select(Feed.token_hash))
    assert len(token) == 43
    assert token not in kept
    with capture_logs() as logs:
        shop.get(feed["rss_url"])
    assert "request" in {line["event"] for line in logs}
    assert token not in str(logs)
    (used,) = listed(shop)
    assert used["used_at"] is not None


def test_a_feed_that_is_made_again_ends_the_one_before(shop, release):
    before, after = make(shop, release), make(shop, release)

    for name in ("rss_url", "playlist_url"):
        shop.get(before[name], status=404)
        shop.get(after[name])
    assert [each["id"] for each in listed(shop)] == [after["id"]]


def test_a_revoked_feed_opens_nothing(shop, release):
    feed = make(shop, release)
    (enclosure, _) = enclosures(shop.get(feed["rss_url"]))
    path = f"{shop.api}/customers/feeds/{feed['id']}"
    stranger = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "eve@example.org"))
    shop.autonomy.app.delete(path, headers=stranger, status=404)

    shop.autonomy.app.delete(path, headers=shop.as_ada, status=204)

    assert listed(shop) == []
    for url in (feed["rss_url"], feed["playlist_url"], enclosure["url"]):
        shop.get(url, status=404)
    shop.autonomy.app.delete(path, headers=shop.as_ada, status=404)


def test_a_refund_ends_the_feed(shop, release):
    feed = make(shop, release)
    assert feed["usable"] is True
    assert listed(shop)[0]["usable"] is True
    (enclosure, _) = enclosures(shop.get(feed["rss_url"]))
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Grant).values(revoked_at=utcnow(), revoked_because="refunded"))

    for url in (feed["rss_url"], feed["playlist_url"], enclosure["url"]):
        shop.get(url, status=404)
    make(shop, release, status=404)
    assert [(each["id"], each["usable"]) for each in listed(shop)] == [(feed["id"], False)]


def test_a_token_opens_its_own_feed_and_no_other(shop, release, make_shop):
    single = shop.album(title="Single")
    track = shop.upload(single, OTHER)["track"]
    shop.sell(single)
    feed, other = make(shop, release), make(shop, single)
    (token,) = parse_qs(urlsplit(feed["rss_url"]).query)["token"]

    path = urlsplit(feed["rss_url"]).path
    for query in ("?token=guess", f"?token={token[:-1]}"):
        shop.get(f"{path}{query}", status=404)
    for query in ("", "?token=."):
        shop.get(f"{path}{query}", status=422)
    shop.get(f"{path.replace(feed['id'], other['id'])}?token={token}", status=404)
    stream = path.removesuffix("rss") + f"tracks/{track['id']}/stream"
    shop.get(f"{stream}?token={token}", status=404)
    beacon = make_shop("beacon")
    shop.get(f"{path.replace(shop.api, beacon.api)}?token={token}", status=404)


def test_a_feed_that_was_passed_on_is_limited(make_shop):
    shop = make_shop(feed_requests_per_day=3)
    album = shop.album()
    shop.upload(album)
    shop.sell(album)
    feed = make(shop, album)

    url = feed["rss_url"]
    for _ in range(3):
        shop.get(url)
    refused = shop.get(url, status=429)
    assert refused.json["code"] == "too_many_requests"
    assert int(refused.headers["Retry-After"]) > 0
    shop.get(url.replace("token=", "token=x"), status=404)
    shop.get(make(shop, album)["rss_url"])


def test_before_the_release_a_feed_has_the_instant_tracks(shop, release):
    first = shop.tracks(release)["items"][0]
    staff = f"{shop.api}/admin/products/{release.id}"
    changes = {"release_date": "2990-01-01", "preorder": True}
    shop.autonomy.app.patch_json(staff, changes, headers=shop.staff)
    shop.autonomy.app.patch_json(f"{staff}/tracks/{first['id']}", {"instant": True}, headers=shop.staff)

    answer = shop.get(make(shop, release)["rss_url"])

    items = list(channel_of(answer).iter("item"))
    assert [item.findtext("title") for item in items] == ["Night Ferry"]
    assert published_before_now(items), "a player hides what is published later"


def test_a_feed_of_a_single_track_waits_for_the_release(shop, release):
    (first, _) = shop.tracks_for_staff(release)
    staff = f"{shop.api}/admin/products/{release.id}"
    track = f"{staff}/tracks/{first['id']}"
    sold = shop.autonomy.app.post_json(f"{track}/single", {"amount": 100}, headers=shop.staff).json
    with shop.autonomy.scope(shop.id) as scope:
        single = find_product(scope, UUID(sold["single_id"]))
    ben = shop.autonomy.customer(shop.id, "ben@example.org")
    shop.sell(single, ben)
    url = make(shop, single, headers=shop.autonomy.as_customer(ben))["rss_url"]
    (enclosure,) = enclosures(shop.get(url))

    def put_cover(below, colour):
        sent = [("file", "cover.png", picture(colour=colour), "image/png")]
        shop.autonomy.app.put(f"{below}/cover", {}, headers=shop.staff, upload_files=sent)
        return channel_of(shop.get(url)).find(f"{ITUNES}image").attrib["href"]

    changes = {"release_date": "2990-01-01", "preorder": True}
    shop.autonomy.app.patch_json(staff, changes, headers=shop.staff)

    assert enclosures(shop.get(url)) == []
    shop.get(enclosure["url"], status=404)
    of_release = put_cover(staff, "red")
    shop.autonomy.app.patch_json(track, {"instant": True}, headers=shop.staff)
    assert enclosures(shop.get(url)) == [enclosure]
    assert put_cover(track, "blue") != of_release


def test_the_end_of_all_logins_ends_every_feed(shop, release):
    feed = make(shop, release)
    with shop.autonomy.scope(shop.id) as scope:
        on_logins_ended(LoginsEnded(scope, shop.ada.id))

    shop.get(feed["rss_url"], status=404)
    assert listed(shop) == []


def test_a_feed_opens_nothing_for_an_erased_customer(shop, release):
    feed = make(shop, release)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Customer).values(erased_at=utcnow()))

    shop.get(feed["rss_url"], status=404)


def test_a_feed_that_is_made_beside_an_erasure_does_not_stay(committed_shop):
    shop, album = committed_shop, committed_shop.album()
    shop.upload(album)
    shop.sell(album)

    def make_one():
        with shop.autonomy.scope(shop.id) as scope:
            services.make_feed(scope, shop.ada.id, None, album)

    with ThreadPoolExecutor(1) as work, watching(shop) as blocked:
        with shop.autonomy.scope(shop.id) as scope:
            erase(scope, shop.ada.id, actor="test")
            making = work.submit(make_one)
            while not (making.done() or blocked()):
                time.sleep(0.01)
        assert isinstance(making.exception(), NotAuthenticated)
    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Feed.id)).all() == []


@contextmanager
def watching(shop):
    """Gives a function that tells which statements wait for a lock."""
    with psycopg.connect(shop.autonomy.runtime.database.conninfo, autocommit=True) as connection:
        yield lambda: connection.execute(BLOCKED).fetchall()


def test_an_export_lists_the_feeds_and_an_erasure_ends_them(shop, release):
    feed = make(shop, release)
    answer = shop.autonomy.app.get(f"{shop.api}/customers/export", headers=shop.as_ada)
    with ZipFile(BytesIO(answer.body)) as archive:
        (exported,) = json.loads(archive.read("media_mp3/feeds.json"))
    assert (exported["id"], exported["product_id"]) == (feed["id"], str(release.id))

    with shop.autonomy.scope(shop.id) as scope:
        erase(scope, shop.ada.id, actor="test")
        assert scope.session.scalars(select(Feed.id)).all() == []


def test_feeds_are_listed_in_pages(shop):
    made = []
    for title in ("One", "Two", "Three"):
        album = shop.album(title=title)
        shop.upload(album, MUSIC)
        shop.sell(album)
        made.insert(0, make(shop, album)["id"])
    path = f"{shop.api}/customers/feeds?limit=2"
    first = shop.autonomy.app.get(path, headers=shop.as_ada).json
    rest = shop.autonomy.app.get(f"{path}&cursor={first['next']}", headers=shop.as_ada).json
    assert [feed["id"] for feed in (*first["items"], *rest["items"])] == made
    assert ([feed["title"] for feed in rest["items"]], rest["next"]) == (["One"], None)
