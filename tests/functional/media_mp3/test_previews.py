"""Visitors hear previews: never more than the shop says, and only of what is in the catalogue."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select, text

from autonomy_core.audit.models import AuditEntry
from autonomy_core.db.base import utcnow
from autonomy_core.testing.format_contract import decoded
from media_mp3.renditions import jobs, making
from media_mp3.renditions.models import Rendition
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import masters


@pytest.fixture
def shop(make_shop):
    """A shop whose visitors hear one second of each track."""
    return make_shop(previews="excerpt", preview_seconds=1)


def work(shop):
    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)


def url_of(shop, album):
    (track,) = shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["tracks"]
    return track["preview_url"]


def choice(shop, track):
    return f"{shop.api}/admin/products/{track['product_id']}/tracks/{track['id']}/preview"


def choose(shop, track, status=200, **values):
    path, app = choice(shop, track), shop.autonomy.app
    return app.put_json(path, values, headers=shop.staff, status=status).json


def chosen(shop, track):
    return shop.autonomy.app.get(choice(shop, track), headers=shop.staff).json


@pytest.fixture
def heard(shop):
    """An album with a track whose preview is ready, the track for staff, and the preview's URL."""
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    work(shop)
    return album, track, url_of(shop, album)


def saved(tmp_path, content):
    (path := tmp_path / "heard").write_bytes(content)
    return path


@pytest.mark.processes
def test_a_visitor_hears_a_part_of_an_mp3_sample_by_sample(shop, heard, tmp_path):
    _, track, url = heard

    answer = shop.get(url)

    assert url == f"http://localhost{shop.api}/products/{track['product_id']}/tracks/{track['id']}/preview"
    assert (answer.content_type, answer.headers["Content-Disposition"]) == ("audio/mpeg", "inline")
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert shop.get(url, status=304, If_None_Match=answer.headers["ETag"]).body == b""
    assert shop.get(url, status=206, Range="bytes=100-").body == answer.body[100:]
    shop.get(url, status=416, Range=f"bytes={len(answer.body)}-")
    part, whole = (decoded(saved(tmp_path, each)) for each in (answer.body, MUSIC))
    assert 0.9 * 44100 * 2 < len(part) <= 44100 * 2
    assert part.tobytes() in whole.tobytes()
    assert b"ID3" not in answer.body


@pytest.mark.processes
def test_of_other_masters_visitors_hear_an_mp3_without_tags(shop, tmp_path):
    album = shop.album()
    shop.upload(album, masters.flac(), title="Secret title")
    work(shop)

    answer = shop.get(url_of(shop, album))

    assert answer.content_type == "audio/mpeg"
    assert [tag for tag in (b"ID3", b"Secret title") if tag in answer.body] == []
    assert len(decoded(saved(tmp_path, answer.body))) == 44100 * 2
    assert shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["tracks"][0]["formats"] == [
        {"name": "flac", "title": "FLAC", "lossless": True}
    ]


@pytest.mark.processes
def test_a_whole_track_is_heard_at_a_low_quality(make_shop, tmp_path):
    shop = make_shop(previews="full")
    album = shop.album()
    shop.upload(album, MUSIC)
    work(shop)

    heard = decoded(saved(tmp_path, shop.get(url_of(shop, album)).body))
    assert len(heard) >= len(decoded(saved(tmp_path, MUSIC))) - 2 * 1152


@pytest.mark.parametrize(
    "values",
    [
        {"active": False},
        {"archived": True},
        {"published_at": "2990-01-01T00:00:00Z"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_product_that_visitors_do_not_see_has_no_preview(shop, heard, values):
    album, _, url = heard
    path = f"{shop.api}/admin/products/{album.id}"
    shop.autonomy.app.patch_json(path, values, headers=shop.staff)

    shop.get(url, status=404)


@pytest.mark.parametrize("values", [{"hidden": True}, {"removed": True}], ids=str)
def test_a_track_that_visitors_do_not_see_has_no_preview(shop, heard, values):
    album, track, url = heard
    shop.upload(album, masters.wav())
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"
    shop.autonomy.app.patch_json(path, values, headers=shop.staff)

    shop.get(url, status=404)
    other = shop.upload(shop.album(), masters.aiff())["track"]
    shop.get(url.replace(track["id"], other["id"]), status=404)


def test_a_bundle_has_no_previews_of_products_that_are_not_published(shop, heard):
    album, _, url = heard
    items = {"title": "Both", "kind": "bundle", "amount": 900, "item_ids": [str(album.id)]}
    path = f"{shop.api}/admin/products"
    bundle = shop.autonomy.app.post_json(path, items, headers=shop.staff).json

    def listed():
        (item,) = shop.autonomy.app.get(f"{shop.api}/products/{bundle['id']}").json["items"]
        return item["tracks"][0]["preview_url"]

    assert listed() == url
    shop.autonomy.app.patch_json(f"{path}/{album.id}", {"active": False}, headers=shop.staff)
    assert listed() is None


def test_staff_choose_what_visitors_hear(shop, heard):
    album, track, url = heard
    whole = shop.get(url).body
    assert chosen(shop, track)["by_staff"] is False

    said = choose(shop, track, mode="excerpt", start_ms=1000, length_ms=1000)

    assert {name: said[name] for name in ("mode", "start_ms", "length_ms", "by_staff", "state")} == {
        "mode": "excerpt", "start_ms": 1000, "length_ms": 1000, "by_staff": True, "state": "waiting",
    }  # fmt: skip
    assert url_of(shop, album) is None
    work(shop)
    assert chosen(shop, track)["state"] == "ready"
    assert shop.get(url_of(shop, album)).body != whole
    choose(shop, track, mode="none")
    assert (url_of(shop, album), chosen(shop, track)["state"]) == (None, None)
    shop.get(url, status=404)
    work(shop)
    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(Rendition)).all() == []
        actions = list(scope.session.scalars(select(AuditEntry.action)))
    assert actions.count("track.preview_chosen") == 2
    back = shop.autonomy.app.delete(choice(shop, track), headers=shop.staff).json
    assert (back["mode"], back["by_staff"], back["state"]) == ("excerpt", False, "waiting")


def test_a_whole_track_has_no_beginning(shop, heard):
    _, track, _ = heard
    answer = choose(shop, track, status=422, mode="full", start_ms=5)
    assert "start_ms" in str(answer)


def test_a_longer_preview_from_before_is_not_sent(shop, heard):
    album, _, url = heard
    settings = {"previews": "none"}
    shop.autonomy.organisation(shop.id, plugins=("media_mp3", "stand_ins"), settings={"media_mp3": settings})
    shop.get(url, status=404)
    assert url_of(shop, album) is None
    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalar(select(Rendition.format)) == "preview:1000"
    longer = {"previews": "excerpt", "preview_seconds": "2"}
    shop.autonomy.organisation(shop.id, plugins=("media_mp3", "stand_ins"), settings={"media_mp3": longer})
    shop.get(url, status=404)


def test_a_network_can_ask_only_so_often(make_shop):
    shop = make_shop(previews="excerpt", previews_per_address=2)
    album = shop.album()
    shop.upload(album, MUSIC)
    work(shop)
    url = url_of(shop, album)

    shop.get(url)
    shop.get(url, status=206, Range="bytes=0-1")
    assert shop.get(url, status=429).json["code"] == "too_many_requests"


def test_a_choice_and_a_finished_preview_change_the_catalogue(shop, heard):
    _, track, _ = heard
    values = {"organisation": shop.id, "track": track["id"], "now": utcnow()}
    with shop.autonomy.scope(shop.id) as scope:
        before = version(scope)
        scope.session.execute(
            text(
                "INSERT INTO media_mp3_preview_choices (organisation_id, track_id, mode, changed_at) "
                "VALUES (:organisation, :track, 'none', :now)"
            ),
            values,
        )
        assert version(scope) != before


def version(scope):
    scope.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    scope.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return scope.session.scalar(text("SELECT version FROM catalogue_versions"))


def test_staff_see_why_a_preview_is_not_there(shop, monkeypatch):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    with monkeypatch.context() as patch:
        patch.setattr(making, "find_ffmpeg", lambda: None)
        work(shop)

    assert chosen(shop, track)["error"]["code"] == "ffmpeg_missing"
    path = f"{shop.api}/admin/products/{album.id}/tracks/formats"
    (shown,) = shop.autonomy.app.get(path, headers=shop.staff).json["items"]
    assert (shown["name"], shown["title"], shown["state"]) == ("preview", "Preview", "failed")


def test_visitors_see_the_waveform(shop):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    url = f"{shop.api}/products/{album.id}/tracks/{track['id']}/waveform"

    found, picture = shop.get(url), shop.get(f"{url}.svg")

    assert (found.json["version"], found.json["length"], len(found.json["data"])) == (2, 200, 400)
    assert max(found.json["data"]) > 20
    assert picture.content_type == "image/svg+xml"
    for answer, path in ((found, url), (picture, f"{url}.svg")):
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        shop.get(path, status=304, If_None_Match=answer.headers["ETag"])
    shop.autonomy.app.patch_json(
        f"{shop.api}/admin/products/{album.id}", {"active": False}, headers=shop.staff
    )
    shop.get(url, status=404)
