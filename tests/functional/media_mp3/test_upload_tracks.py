"""Staff upload recordings."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import text

from demo import music
from media_mp3 import services
from media_mp3.domain import FINDINGS
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import material


def test_an_upload_becomes_a_track_named_by_its_tags(shop):
    album = shop.album()

    uploaded = shop.upload(album, filename="01 whatever.mp3")

    track, facts = uploaded["track"], uploaded["facts"]
    assert (track["title"], track["artist"]) == (material.PIECE.title, material.PIECE.artist)
    assert (track["position"], track["filename"]) == (1, "01 whatever.mp3")
    assert (track["size"], track["sha256"]) == (len(MUSIC), hashlib.sha256(MUSIC).hexdigest())
    assert track["duration_ms"] == facts["duration_ms"] == pytest.approx(3000, abs=100)
    assert (facts["layer"], facts["channels"], facts["sample_rate"], facts["vbr"]) == (3, 2, 44100, False)


def test_the_form_fields_override_the_tags(shop):
    said = {
        "artist": "Somebody", "album": "Another", "genre": "Waltz", "year": 1999, "track_number": 5,
        "disc_number": 2, "position": 7,
    }  # fmt: skip

    track = shop.upload(shop.album(), title=" Überfahrt ", **said)["track"]

    assert {name: track[name] for name in ("title", *said)} == {"title": "Überfahrt", **said}


def test_album_genre_year_and_numbers_come_from_the_tags(shop):
    album = shop.album()
    texts = {
        "TIT2": "Night Ferry",
        "TALB": "First Light",
        "TCON": "(26)",
        "TYER": "2019",
        "TRCK": "3/12",
        "TPOS": "1/2",
    }
    tag = material.id3_of(*(material.id3_frame(name, b"\0" + text.encode()) for name, text in texts.items()))
    expected = {
        "title": "Night Ferry", "artist": None, "album": "First Light", "genre": "Ambient", "year": 2019,
        "track_number": 3, "disc_number": 1,
    }  # fmt: skip

    uploaded = shop.upload(album, tag + material.cbr())["track"]
    shop.sell(album)
    (bought,) = shop.tracks(album)["items"]

    assert {name: uploaded[name] for name in expected} == expected
    assert {name: bought[name] for name in expected} == expected


def test_staff_see_the_warnings_of_the_inspection(shop):
    album = shop.album()

    uploaded = shop.upload(album, material.cbr()[:-100])["track"]

    (warning,) = uploaded["warnings"]
    assert (warning["code"], warning["detail"]["missing"]) == ("last_frame_short", 100)
    assert warning["message"] == FINDINGS["last_frame_short"].meaning
    assert warning["remedy"] == FINDINGS["last_frame_short"].remedy
    listed = shop.autonomy.app.get(f"{shop.api}/admin/products/{album.id}/tracks", headers=shop.staff).json
    assert listed["items"] == [uploaded]


def test_a_track_without_tags_is_named_after_its_file(shop):
    track = shop.upload(shop.album(), material.cbr(), filename="C:\\music\\Night walk.mp3", title="  ")[
        "track"
    ]

    assert (track["title"], track["artist"]) == ("Night walk", None)


def test_tracks_get_successive_positions(shop):
    album = shop.album()
    shop.upload(album, position=3, title="third")
    shop.upload(album, material.cbr(48000), title="fourth")
    shop.upload(album, material.cbr(44100, 1), title="first", position=1)

    listed = shop.autonomy.app.get(f"{shop.api}/admin/products/{album.id}/tracks", headers=shop.staff).json

    assert [(item["position"], item["title"]) for item in listed["items"]] == [
        (1, "first"),
        (3, "third"),
        (4, "fourth"),
    ]
    assert listed["next"] is None


def test_the_same_file_twice_in_one_product_is_a_conflict(shop):
    album = shop.album()
    first = shop.upload(album)["track"]

    again = shop.upload(album, title="another title", status=409)

    assert (again["code"], again["track_id"]) == ("track_exists", first["id"])


def test_the_same_file_in_two_products_is_stored_once(shop):
    one, other = shop.album(), shop.album()

    shop.upload(one)
    shop.upload(other)

    stored = shop.autonomy.runtime.settings.data / "media" / "files" / shop.id
    assert len(list(stored.rglob(f"{hashlib.sha256(MUSIC).hexdigest()}.mp3"))) == 1


def test_a_product_of_another_kind_has_no_tracks(shop):
    assert shop.upload(shop.autonomy.product(shop.id), status=409)["code"] == "not_an_mp3_product"


def test_only_staff_who_may_change_the_catalogue_upload(shop):
    album = shop.album()
    reader = shop.autonomy.as_staff(shop.id, ["catalog.read"])

    assert shop.upload(album, status=401, headers={})["code"] == "not_authenticated"
    assert shop.upload(album, status=403, headers=shop.as_ada)["code"] == "not_allowed"
    assert shop.upload(album, status=403, headers=reader)["code"] == "not_allowed"


def test_another_organisations_product_is_a_404(shop, make_shop):
    beacon = make_shop("beacon")
    theirs = beacon.album()

    shop.upload(theirs, status=404)
    shop.upload(theirs, status=401, headers=beacon.staff)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("position", "first"),
        ("position", 0),
        ("title", "a\nb"),
        ("artist", "x" * 201),
        ("album", "a\x1bb"),
        ("year", 10_000),
        ("track_number", "A1"),
        ("colour", "unknown"),
    ],
)
def test_an_invalid_field_is_named(shop, field, value):
    answer = shop.upload(shop.album(), status=422, **{field: value})

    assert answer["code"] == "invalid_input"
    assert list(answer["errors"]["body"]) == [field]


def test_each_upload_is_audited(shop):
    track = shop.upload(shop.album())["track"]

    with shop.autonomy.scope(shop.id) as scope:
        statement = text("SELECT actor, target FROM audit_entries WHERE action = 'track.added'")
        ((actor, target),) = scope.session.execute(statement).all()
    assert actor.startswith("staff:")
    assert target == f"track:{track['id']}"


def test_a_variable_bitrate_is_reported_as_such(shop):
    facts = shop.upload(shop.album(), material.vbr())["facts"]

    assert facts["vbr"] is True


def test_demonstration_pieces_are_accepted(shop):
    shop.upload(shop.album(), music.mp3(music.PIECES[3], version=4))


def test_a_product_has_a_limited_number_of_tracks_also_removed_ones(shop, monkeypatch):
    monkeypatch.setattr(services, "MOST_TRACKS", 2)
    album = shop.album()
    first = shop.upload(album)["track"]
    shop.upload(album, material.cbr(48000))
    shop.autonomy.app.delete(
        f"{shop.api}/admin/products/{album.id}/tracks/{first['id']}", headers=shop.staff, status=204
    )
    refused = shop.upload(album, material.cbr(64000), status=409)
    assert refused["code"] == "too_many_tracks"
    assert len(shop.tracks_for_staff(album)) == 2
