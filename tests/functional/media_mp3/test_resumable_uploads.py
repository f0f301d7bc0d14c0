"""Staff upload a file in parts, by the tus protocol, and then use it instead of the file of a form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Barrier

import pytest
from sqlalchemy import select, text, update

from autonomy_core.audit.models import AuditEntry
from autonomy_core.db.base import utcnow
from autonomy_core.files import services as files
from autonomy_core.files.administration import compare
from autonomy_core.files.models import PendingUpload
from autonomy_core.files.settings import PARTS
from autonomy_core.files.uploads import services
from autonomy_core.files.uploads.collecting import collect
from autonomy_core.files.uploads.domain import MOST_PARTS
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.tus import (
    GIGABYTE,
    STREAM,
    VERSION,
    Uploads,
    checksum,
    encoded,
    limited_shop,
)
from tests.isolation.sides import picture
from tests.unit.media_mp3 import material

HALF = len(MUSIC) // 2
AT_0 = {"Upload-Offset": "0"}


@pytest.fixture
def uploads(shop):
    return Uploads(shop)


def stored_parts(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return set(files.storage_of(scope, PARTS).keys(shop.id))


def test_a_file_arrives_in_parts_and_becomes_a_track(shop, uploads):
    name = {"Upload-Metadata": f"filename {encoded(b'First Light.mp3')},is_private"}
    path = uploads.begin(len(MUSIC), **name)
    first = uploads.send(path, 0, MUSIC[:HALF])
    assert first.headers["Upload-Offset"] == str(HALF)
    assert parsedate_to_datetime(first.headers["Upload-Expires"]) > datetime.now(UTC) + timedelta(hours=23)
    state = uploads.request("HEAD", path, status=200)
    assert (state.headers["Upload-Offset"], state.headers["Upload-Length"]) == (str(HALF), str(len(MUSIC)))
    assert state.headers["Upload-Metadata"] == name["Upload-Metadata"]
    assert state.headers["Cache-Control"] == "no-store"
    assert state.headers["Tus-Resumable"] == "1.0.0"
    uploads.send(path, HALF, MUSIC[HALF:])
    seen = uploads.request("GET", path, status=200).json
    assert (seen["filename"], seen["is_complete"]) == ("First Light.mp3", True)

    album = shop.album()
    track = uploads.use(album, path, title="First Light")["track"]

    assert (track["filename"], track["title"]) == ("First Light.mp3", "First Light")
    shop.sell(album)
    assert shop.get(shop.tracks(album)["items"][0]["stream_url"]).body == MUSIC
    assert list(shop.incoming.glob("*")) == [], "a temporary file is left"
    assert not list(PARTS.incoming(shop.autonomy.runtime.settings).glob("*"))
    uploads.request("HEAD", path, status=404)
    assert uploads.use(shop.album(), path, status=422)["code"] == "upload_unknown"


def test_a_refused_file_stays_to_be_seen_until_it_is_removed(shop, uploads):
    path = uploads.whole(b"no music at all")
    assert uploads.use(shop.album(), path, status=422)["code"] == "not_playable"
    assert uploads.offset(path) == len(b"no music at all")
    uploads.request("DELETE", path, status=204)
    uploads.request("HEAD", path, status=404)
    with shop.autonomy.scope(shop.id) as scope:
        of_it = AuditEntry.target == f"upload:{path.rpartition('/')[2]}"
        actions = scope.session.scalars(select(AuditEntry.action).where(of_it).order_by(AuditEntry.id))
        assert actions.all() == ["upload.begun", "upload.removed"]


def test_a_cover_and_a_replacement_are_made_of_uploads(shop, uploads):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    other = uploads.whole(material.cbr(48000))
    form = {"content_type": "multipart/form-data", "headers": shop.staff}
    url = f"{shop.api}/admin/products/{album.id}"
    named = {"upload": other.rpartition("/")[2]}
    replaced = shop.autonomy.app.put(f"{url}/tracks/{track['id']}/file", named, **form).json["track"]
    assert replaced["size"] == len(material.cbr(48000))
    cover = {"upload": uploads.whole(picture("a cover")).rpartition("/")[2], "alt": "A colour"}
    assert shop.autonomy.app.put(f"{url}/cover", cover, **form).json["alt"] == "A colour"


def test_a_part_at_a_wrong_place_is_refused_and_changes_nothing(uploads):
    path = uploads.begin(10)
    uploads.send(path, 0, b"12345")
    for offset in (0, 4, 6, 10):
        refused = uploads.send(path, offset, b"x", status=409)
        assert (refused.json["code"], refused.json["offset"]) == ("upload_offset_wrong", 5)
    assert uploads.send(path, 5, b"678901", status=413).json["code"] == "upload_too_large"
    assert uploads.offset(path) == 5
    uploads.send(path, 5, b"")
    uploads.send(path, 5, b"67890")
    assert uploads.offset(path) == 10


@pytest.mark.parametrize(
    ("method", "headers", "status", "code"),
    [
        ("POST", {"Upload-Length": "10", "Tus-Resumable": "0.2.2"}, 412, "upload_version_unknown"),
        ("POST", {}, 400, "upload_header_invalid"),
        ("POST", {"Upload-Length": "-1"}, 400, "upload_header_invalid"),
        ("POST", {"Upload-Length": "1", "Upload-Metadata": "filename *"}, 400, "upload_header_invalid"),
        ("POST", {"Upload-Length": "1", "Upload-Metadata": "a YQ==,a YQ=="}, 400, "upload_header_invalid"),
        ("POST", {"Upload-Length": str(2001 * 1024**2)}, 413, "upload_too_large"),
        ("POST", {"Upload-Concat": "final;/elsewhere/1"}, 400, "upload_header_invalid"),
        ("POST", {"Upload-Concat": "whole", "Upload-Length": "1"}, 400, "upload_header_invalid"),
        ("PATCH", {"Upload-Offset": "0", "Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("PATCH", {**STREAM}, 400, "upload_header_invalid"),
        ("PATCH", {**STREAM, "Upload-Offset": "0", "Tus-Resumable": "2.0.0"}, 412, "upload_version_unknown"),
        ("PATCH", {**STREAM, **AT_0, "Upload-Checksum": "md5 YQ=="}, 400, "upload_header_invalid"),
        ("PATCH", {**STREAM, **AT_0, "Upload-Checksum": "sha1 YQ=="}, 400, "upload_header_invalid"),
        ("DELETE", {"Tus-Resumable": "2.0.0"}, 412, "upload_version_unknown"),
    ],
)  # fmt: skip
def test_a_request_against_the_protocol_is_refused_with_a_code(uploads, method, headers, status, code):
    path = uploads.path if method == "POST" else uploads.begin(10)
    answer = uploads.request(method, path, b"x" if method == "PATCH" else b"", status, **headers)
    assert answer.json["code"] == code
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_the_server_says_what_it_can_do(shop, uploads):
    answer = uploads.request("OPTIONS", uploads.path, status=204)
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "expiration", "termination", "checksum", "concatenation",
    }  # fmt: skip
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert answer.headers["Tus-Max-Size"] == str(2000 * 1024**2)


def test_only_staff_who_write_products_upload(shop, uploads):
    path = uploads.begin(10)
    reading = shop.autonomy.as_staff(shop.id, ["catalog.read"])
    other = shop.autonomy.as_staff(shop.id, ["mail.read"])
    for headers, status in (({}, 401), (shop.as_ada, 403), (other, 403), (reading, 403)):
        sent = {**VERSION, **headers}
        for method, target in (("POST", uploads.path), ("PATCH", path), ("DELETE", path)):
            body = {"headers": {**sent, **STREAM, "Upload-Offset": "0", "Upload-Length": "9"}}
            shop.autonomy.app.request(target, method=method, body=b"x", status=status, **body)
    assert shop.autonomy.app.get(path, headers=reading).json["received"] == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_damaged_part_is_refused_and_nothing_of_it_kept(uploads, algorithm):
    path = uploads.begin(10)
    damaged = uploads.send(path, 0, b"12345", 460, **checksum(algorithm, b"123456"))
    assert damaged.json["code"] == "upload_checksum_wrong"
    assert uploads.offset(path) == 0
    uploads.send(path, 0, b"12345", **checksum(algorithm, b"12345"))
    assert uploads.offset(path) == 5


def test_partial_uploads_are_joined_in_their_order(shop, uploads):
    second, first = (uploads.whole(half, Upload_Concat="partial") for half in (MUSIC[HALF:], MUSIC[:HALF]))
    state = uploads.request("HEAD", first, status=200)
    assert state.headers["Upload-Concat"] == "partial"
    refused = uploads.use(shop.album(), first, status=409)
    assert (refused["code"], refused["detail"]) == (
        "upload_unfinished", "Join it with the others, with Upload-Concat: final.",
    )  # fmt: skip
    final = {"Upload-Concat": f"final;{first} http://localhost{second}"}
    answer = uploads.request("POST", uploads.path, status=201, **final)
    again = uploads.request("POST", uploads.path, status=201, **final)
    assert again.location == answer.location, "a lost answer is asked for again"

    joined = answer.location.removeprefix("http://localhost")
    state = uploads.request("HEAD", joined, status=200)
    assert (state.headers["Upload-Concat"], state.headers["Upload-Offset"]) == (
        final["Upload-Concat"], str(len(MUSIC)),
    )  # fmt: skip
    uploads.request("HEAD", first, status=404)
    assert uploads.send(joined, len(MUSIC), b"x", status=403).json["code"] == "upload_is_final"
    album = shop.album()
    uploads.use(album, joined)
    shop.sell(album)
    assert shop.get(shop.tracks(album)["items"][0]["stream_url"]).body == MUSIC


def test_only_finished_partial_uploads_of_the_own_shop_are_joined(shop, uploads, make_shop):
    whole, begun = uploads.whole(b"1234567890"), uploads.begin(10, Upload_Concat="partial")
    done = uploads.whole(b"1234567890", Upload_Concat="partial")
    foreign = Uploads(make_shop("beacon")).whole(b"1234567890", Upload_Concat="partial")
    disguised = f"{uploads.path}/{foreign.rpartition('/')[2]}"

    def join(*paths, status):
        final = {"Upload-Concat": f"final;{' '.join(paths)}"}
        return uploads.request("POST", uploads.path, status=status, **final).json["code"]

    assert join(done, whole, status=409) == "upload_unfinished"
    assert join(done, begun, status=409) == "upload_unfinished"
    assert join(done, disguised, status=404) == "not_found"
    assert join(done, foreign, status=400) == "upload_header_invalid"
    assert join(done, done, status=400) == "upload_header_invalid"
    assert uploads.offset(done) == 10


def test_a_colleague_finds_an_upload_without_a_url_and_frees_its_room(autonomy):
    shop = limited_shop(autonomy, storage_gb=1)
    uploads, other = Uploads(shop), Uploads(limited_shop(autonomy, "beacon"))
    other.begin(10)
    lost, half = uploads.begin(GIGABYTE - 10), uploads.begin(10)
    uploads.send(half, 0, b"12345")
    assert uploads.begin(1, status=413).json["code"] == "storage_full"
    colleague = autonomy.as_staff(shop.id, ["catalog.read", "catalog.write"])

    first = autonomy.app.get(f"{uploads.path}?limit=1", headers=colleague).json
    rest = autonomy.app.get(f"{uploads.path}?cursor={first['next']}", headers=colleague).json
    found = first["items"] + rest["items"]
    shown = [(each["id"], each["length"], each["received"]) for each in found]
    assert shown == [(half.rpartition("/")[2], 10, 5), (lost.rpartition("/")[2], GIGABYTE - 10, 0)]
    with autonomy.scope(shop.id) as scope:
        actors = set(
            scope.session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "upload.begun"))
        )
    assert {each["begun_by"] for each in found} == actors

    autonomy.app.delete(f"{uploads.path}/{found[1]['id']}", headers=colleague, status=204)
    left = autonomy.app.get(uploads.path, headers=colleague).json
    assert [each["id"] for each in left["items"]] == [found[0]["id"]]
    uploads.begin(1)


def test_a_shop_does_not_reach_uploads_of_another_one(shop, uploads, make_shop):
    other = Uploads(make_shop("beacon"))
    path = other.whole(MUSIC)
    upload_id = path.rpartition("/")[2]
    for method in ("HEAD", "DELETE"):
        uploads.request(method, f"{uploads.path}/{upload_id}", status=404)
    assert uploads.use(shop.album(), path, status=422)["code"] == "upload_unknown"
    assert other.offset(path) == len(MUSIC)


def test_an_upload_that_is_not_finished_or_too_large_is_not_used(make_shop):
    shop = make_shop(max_upload_mb=1)
    uploads = Uploads(shop)
    begun, large = uploads.begin(10), uploads.whole(bytes(1024**2 + 1))
    assert uploads.use(shop.album(), begun, status=409)["code"] == "upload_unfinished"
    assert uploads.use(shop.album(), large, status=413)["code"] == "upload_too_large"
    assert uploads.use(shop.album(), "/no-upload", status=422)["code"] == "upload_unknown"


def test_an_upload_has_a_limited_number_of_parts(uploads, monkeypatch):
    monkeypatch.setattr(services, "MOST_PARTS", 2)
    path = uploads.begin(10)
    uploads.send(path, 0, b"1")
    uploads.send(path, 1, b"2")
    with monkeypatch.context() as patched:
        patched.setattr(services, "store_upload", crash)
        refused = uploads.send(path, 2, b"3", status=409).json
    assert refused["code"] == "upload_in_too_many_parts"
    assert refused["detail"] == "Remove the upload, and begin again with larger parts."
    two = " ".join(uploads.whole(b"1234567890", Upload_Concat="partial") for _ in range(2))
    joined = uploads.request("POST", uploads.path, status=409, **{"Upload-Concat": f"final;{two}"})
    assert joined.json["code"] == "upload_in_too_many_parts"
    assert MOST_PARTS == 10_000


def test_an_expired_upload_and_its_parts_are_collected(shop, uploads):
    used, expired, waiting = uploads.whole(MUSIC), uploads.whole(b"expired"), uploads.whole(b"waiting")
    uploads.use(shop.album(), used)
    path = expired.rpartition("/")[2]
    with shop.autonomy.scope(shop.id) as scope:
        past = {"expires_at": utcnow() - timedelta(seconds=1)}
        scope.session.execute(update(PendingUpload).where(PendingUpload.id == path).values(past))
    uploads.request("HEAD", expired, status=404)
    uploads.send(expired, 7, b"", status=404)
    assert uploads.use(shop.album(), expired, status=422)["code"] == "upload_unknown"
    for since in ("0 hours", "25 hours"):
        with shop.autonomy.scope(shop.id) as scope:
            scope.session.execute(
                text("UPDATE upload_unreferenced_files SET since = since - CAST(:since AS interval)"),
                {"since": since},
            )
            collect(scope)
    with shop.autonomy.scope(shop.id) as scope:
        assert list(compare(scope, PARTS)) == [], "neither an orphan nor a part without its file"
    assert len(stored_parts(shop)) == 2
    assert uploads.offset(waiting) == len(b"waiting")


def test_a_crash_before_the_row_is_written_loses_nothing(shop, uploads, monkeypatch):
    path = uploads.begin(10)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(services, "keep_upload", crash)
        uploads.send(path, 0, b"12345")
    assert uploads.offset(path) == 0
    uploads.send(path, 0, b"12345")
    uploads.send(path, 5, b"67890")
    assert uploads.offset(path) == 10


def crash(*_):
    raise KeyboardInterrupt


def test_of_two_parts_for_one_place_one_is_added(committed_shop, monkeypatch):
    uploads = Uploads(committed_shop)
    path = uploads.begin(10)
    both, store_upload = Barrier(2, timeout=60), services.store_upload

    def wait_for_the_other(*arguments):
        both.wait()
        return store_upload(*arguments)

    monkeypatch.setattr(services, "store_upload", wait_for_the_other)
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(uploads.send, path, 0, body, "*") for body in (b"11111", b"222")]
        assert sorted(each.result().status_int for each in sent) == [204, 409]
    assert uploads.offset(path) in {5, 3}
