"""Staff change, move, replace, remove and play the tracks of a product; buyers lose nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from autonomy_core.plugin_api.models import utcnow
from tests.functional.media_mp3.shop import MUSIC, Shop
from tests.unit.media_mp3 import material

OTHER = material.cbr(48000)
UNKNOWN = "0198c0de-0000-7000-8000-000000000001"


class Staff:
    """Staff at work on one album."""

    def __init__(self, shop: Shop, album):
        self.shop, self.album = shop, album
        self.path = f"{shop.api}/admin/products/{album.id}/tracks"

    def add(self, title, content=None, **fields):
        content = (
            content or material.id3_of(material.id3_frame("TALB", b"\0" + title.encode())) + material.cbr()
        )
        return self.shop.upload(self.album, content, title=title, **fields)["track"]

    def call(self, method, path="", status=200, headers=None, **body):
        answer = self.shop.autonomy.app.request(
            f"{self.path}{path}",
            method=method,
            headers={**(self.shop.staff if headers is None else headers), "Content-Type": "application/json"},
            json=body or None,
            status=status,
        )
        return answer.json if answer.body else None

    def patch(self, track, status=200, **changes):
        return self.call("PATCH", f"/{track['id']}", status, **changes)

    def remove(self, track, status=204):
        self.call("DELETE", f"/{track['id']}", status)

    def replace(self, track, content, status=200, **fields):
        answer = self.shop.autonomy.app.put(
            f"{self.path}/{track['id']}/file",
            {name: str(value) for name, value in fields.items()},
            upload_files=[("file", "new.mp3", content, "audio/mpeg")],
            headers=self.shop.staff,
            status=status,
        )
        return answer.json

    @property
    def listed(self):
        return [(track["position"], track["title"]) for track in self.call("GET")["items"]]


@pytest.fixture
def staff(shop):
    return Staff(shop, shop.album())


def heard(shop, album, headers=None):
    return [track["title"] for track in shop.tracks(album, headers=headers)["items"]]


def test_a_wrong_title_is_corrected_where_buyers_see_it(shop, staff):
    track = staff.add("NÃ¤chte", artist="Somebody")
    shop.sell(staff.album)

    changed = staff.patch(
        track, title=" Nächte ", album="First Light", year=2019, track_number=3, genre="Waltz", artist=None
    )

    assert (changed["title"], changed["artist"], changed["album"]) == ("Nächte", None, "First Light")
    assert (changed["year"], changed["track_number"], changed["genre"]) == (2019, 3, "Waltz")
    assert (changed["sha256"], changed["position"]) == (track["sha256"], 1)
    assert heard(shop, staff.album) == ["Nächte"]
    assert staff.call("GET", f"/{track['id']}") == changed


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"artist": "x" * 201}, "artist"),
        ({"year": "2019"}, "year"),
        ({"position": 0}, "position"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"removed": "yes"}, "removed"),
    ],
)
def test_a_change_that_is_not_valid_is_refused_by_name(staff, changes, field):
    answer = staff.patch(staff.add("A track"), 422, **changes)

    assert list(answer["errors"]["body"]) == [field]


def test_moving_a_track_shifts_the_others(staff):
    first, second, third = (staff.add(title) for title in ("first", "second", "third"))

    staff.patch(third, position=1)

    assert staff.listed == [(1, "third"), (2, "first"), (3, "second")]
    staff.patch(third, position=9)
    staff.patch(third, position=9)
    assert staff.listed == [(2, "first"), (3, "second"), (9, "third")]
    assert {first["position"], second["position"]} == {1, 2}


def test_an_upload_at_a_used_position_shifts_the_others(staff):
    staff.add("first")
    staff.add("second")

    staff.add("new", position=1)

    assert staff.listed == [(1, "new"), (2, "first"), (3, "second")]


def test_all_tracks_are_put_in_order_at_once(shop, staff):
    tracks = {title: staff.add(title) for title in ("a", "b", "c")}
    shop.sell(staff.album)

    answer = staff.call("PUT", "/order", track_ids=[tracks[title]["id"] for title in ("c", "a", "b")])

    assert [(track["position"], track["title"]) for track in answer["items"]] == [
        (1, "c"),
        (2, "a"),
        (3, "b"),
    ]
    assert heard(shop, staff.album) == ["c", "a", "b"]


def test_an_incomplete_order_of_tracks_is_refused(staff):
    a, b = staff.add("a"), staff.add("b")

    for ids in ([a["id"]], [a["id"], a["id"]], [a["id"], UNKNOWN], [a["id"], b["id"], b["id"]]):
        assert staff.call("PUT", "/order", 409, track_ids=ids)["code"] == "tracks_differ"

    assert staff.listed == [(1, "a"), (2, "b")]


def test_a_buyer_keeps_a_track_that_is_removed(shop, staff):
    keeper, removed = staff.add("kept"), staff.add("removed")
    shop.sell(staff.album)
    (link,) = [
        track["stream_url"] for track in shop.tracks(staff.album)["items"] if track["id"] == removed["id"]
    ]

    staff.remove(removed)
    staff.remove(removed)

    assert heard(shop, staff.album) == ["kept", "removed"]
    shop.get(link)
    bob = shop.autonomy.customer(shop.id, "bob@example.org")
    shop.sell(staff.album, bob)
    as_bob = shop.autonomy.as_customer(bob)
    assert heard(shop, staff.album, as_bob) == ["kept"]
    for track, status in ((keeper, 200), (removed, 404)):
        path = f"{shop.api}/customers/tracks/{track['id']}/stream"
        shop.autonomy.app.get(path, headers=as_bob, status=status)


def test_a_purchase_begun_before_a_removal_includes_the_track(shop, staff):
    staff.add("kept")
    removed = staff.add("removed")
    payment = shop.autonomy.payment(shop.ada, staff.album)

    staff.remove(removed)
    shop.autonomy.settle(payment)

    assert heard(shop, staff.album) == ["kept", "removed"]


def test_a_removed_track_is_listed_last_and_restored_last(staff):
    removed, other = staff.add("removed"), staff.add("other")

    staff.remove(removed)

    assert staff.listed == [(2, "other"), (None, "removed")]
    assert staff.call("GET", f"/{removed['id']}")["removed_at"] is not None
    assert staff.patch(removed, 409, position=1)["code"] == "track_removed"
    assert staff.call("PUT", "/order", 409, track_ids=[removed["id"], other["id"]])["code"] == "tracks_differ"
    assert staff.patch(removed, removed=False)["removed_at"] is None
    assert staff.listed == [(2, "other"), (3, "removed")]


def test_a_removed_file_that_is_uploaded_again_is_named(staff):
    track = staff.add("removed", MUSIC)
    staff.remove(track)

    again = staff.shop.upload(staff.album, MUSIC, status=409)

    assert (again["code"], again["track_id"]) == ("track_exists", track["id"])
    assert "removed = false" in again["detail"]


def test_a_product_whose_last_track_is_removed_is_no_longer_for_sale(shop, staff):
    staff.remove(staff.add("only"))

    path = f"{shop.api}/customers/products/{staff.album.id}/purchase"
    assert (
        shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=409).json["code"] == "not_for_sale"
    )
    assert shop.autonomy.app.get(f"{shop.api}/products").json["items"] == []


def test_a_replaced_file_is_what_buyers_hear_under_the_same_link(shop, staff):
    track = staff.add("The song", MUSIC)
    shop.sell(staff.album)
    link = shop.tracks(staff.album)["items"][0]["stream_url"]
    before = shop.get(link)

    replaced = staff.replace(track, OTHER)

    now = replaced["track"]
    assert (now["id"], now["title"], now["position"]) == (track["id"], "The song", 1)
    assert (now["size"], now["filename"]) == (len(OTHER), "new.mp3")
    assert now["sha256"] != track["sha256"]
    assert replaced["facts"]["sample_rate"] == 48000
    after = shop.get(link, If_Range=before.headers["ETag"], Range="bytes=10-")
    assert (after.status_int, after.body) == (200, OTHER)
    assert after.headers["ETag"] != before.headers["ETag"]


def test_the_date_of_a_replaced_file_is_not_the_old_ones(shop, staff):
    track = staff.add("The song", MUSIC)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(
            text("UPDATE media_mp3_tracks SET created_at = :day, stored_at = :day"),
            {"day": utcnow() - timedelta(days=9)},
        )
    path = f"{staff.path}/{track['id']}/stream"
    before = shop.autonomy.app.get(path, headers=shop.staff)

    staff.replace(track, OTHER)

    since = {"If-Modified-Since": before.headers["Last-Modified"]}
    assert shop.autonomy.app.get(path, headers={**shop.staff, **since}).body == OTHER


def test_a_file_that_does_not_play_replaces_nothing(shop, staff):
    track = staff.add("The song", MUSIC)

    assert staff.replace(track, material.layer2(), 422)["code"] == "not_playable"
    assert staff.replace(track, OTHER, 422, title="Another")["code"] == "invalid_input"

    assert staff.call("GET", f"/{track['id']}")["sha256"] == track["sha256"]


def test_a_track_cannot_be_replaced_by_an_existing_file(staff):
    one, other = staff.add("one", MUSIC), staff.add("other", OTHER)

    refused = staff.replace(one, OTHER, 409)

    assert (refused["code"], refused["track_id"]) == ("track_exists", other["id"])
    assert staff.replace(one, MUSIC)["track"]["sha256"] == one["sha256"]


def test_staff_can_play_an_uploaded_track(shop, staff):
    track = staff.add("The song", MUSIC)
    reader = shop.autonomy.as_staff(shop.id, ["catalog.read"])

    heard = shop.autonomy.app.get(f"{staff.path}/{track['id']}/stream", headers=reader)
    part = shop.autonomy.app.get(
        f"{staff.path}/{track['id']}/download", headers={**reader, "Range": "bytes=0-9"}, status=206
    )

    assert (heard.body, heard.content_type) == (MUSIC, "audio/mpeg")
    assert part.body == MUSIC[:10]
    assert "The song.mp3" in part.headers["Content-Disposition"]


def test_only_staff_of_the_organisation_reach_its_tracks(shop, staff, make_shop):
    track = staff.add("The song", MUSIC)
    beacon = make_shop("beacon")
    seller = shop.autonomy.as_staff(shop.id, ["payments.read"])
    reader = shop.autonomy.as_staff(shop.id, ["catalog.read"])
    mine = f"/{track['id']}"

    for method, path in (("GET", mine), ("PATCH", mine), ("DELETE", mine), ("GET", f"{mine}/stream")):
        staff.call(method, path, 401, headers={})
        staff.call(method, path, 401, headers=beacon.staff)
        staff.call(method, path, 403, headers=shop.as_ada)
        staff.call(method, path, 403, headers=seller)
    staff.call("PATCH", mine, 403, headers=reader)
    theirs = Staff(beacon, beacon.album())
    for method, path in (("GET", mine), ("DELETE", mine), ("GET", f"{mine}/stream")):
        theirs.call(method, path, 404)
    theirs.call("PUT", "/order", 409, track_ids=[track["id"]])


def test_a_track_of_another_product_is_a_404(shop, staff):
    track = staff.add("The song", MUSIC)

    Staff(shop, shop.album()).call("GET", f"/{track['id']}", 404)


def test_each_change_of_a_track_is_audited(shop, staff):
    track = staff.add("The song", MUSIC)
    staff.patch(track, title="Another")
    staff.replace(track, OTHER)
    staff.call("PUT", "/order", track_ids=[track["id"]])
    staff.remove(track)

    with shop.autonomy.scope(shop.id) as scope:
        rows = scope.session.execute(
            text("SELECT action, actor, target, detail FROM audit_entries ORDER BY id")
        ).all()
    done = [(action, target) for action, actor, target, _ in rows if actor.startswith("staff:")]
    mine = f"track:{track['id']}"
    assert done == [
        ("track.added", mine),
        ("track.changed", mine),
        ("track.replaced", mine),
        ("tracks.reordered", f"product:{staff.album.id}"),
        ("track.removed", mine),
    ]
    sides = {action: (detail["before"], detail["after"]) for action, _, _, detail in rows[-5:]}
    assert (sides["track.added"][0], sides["track.added"][1]["title"]) == ({}, "The song")
    assert sides["track.changed"] == ({"title": "The song"}, {"title": "Another"})
    old, new = sides["track.replaced"]
    assert old["sha256"] != new["sha256"]
    assert sides["track.removed"] == ({"removed": False, "position": 1}, {"removed": True, "position": None})
