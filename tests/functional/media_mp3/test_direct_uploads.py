"""A large file goes from the browser directly to S3, and is inspected there before it counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from sqlalchemy import select, update

from autonomy_core.audit.models import AuditEntry
from autonomy_core.db.base import utcnow
from autonomy_core.files.models import PendingUpload
from autonomy_core.files.uploads import direct, domain
from autonomy_core.files.uploads.collecting import collect
from tests.functional.media_mp3.shop import LONG, MUSIC, Shop
from tests.functional.media_mp3.tus import Uploads
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.processes

PART = -(-len(LONG) // 3)
"""A third of a file. The server itself makes larger parts; S3 joins none below 5 MiB."""


@pytest.fixture
def shop(autonomy, s3, monkeypatch):
    monkeypatch.setattr(domain, "_LEAST_PART_BYTES", PART)
    store = {"url": "s3://shop/direct", "endpoint": s3.endpoint}
    store |= {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "storage_gb": "1"}
    autonomy.organisation("acme", plugins=("media_mp3", "stand_ins"), settings={"files": store})
    return Shop(autonomy, "acme")


@pytest.fixture
def uploads(shop):
    return Uploads(shop)


def begin(uploads, length, status=201, **headers):
    body = {"filename": "C:\\music\\long.mp3", "length": length}
    headers = {**uploads.shop.staff, **headers}
    return uploads.shop.autonomy.app.post_json(
        f"{uploads.path}/direct", body, headers=headers, status=status
    ).json


def call(uploads, method, begun, name, status=200):
    path = f"{uploads.path}/{begun['id']}/{name}"
    return uploads.shop.autonomy.app.request(
        path, method=method, headers=uploads.shop.staff, status=status
    ).json


def expire(shop, seconds):
    """Let the job look at uploads that expired some seconds ago."""
    with shop.autonomy.scope(shop.id) as scope:
        past = utcnow() - timedelta(seconds=seconds)
        scope.session.execute(update(PendingUpload).values(expires_at=past))
    with shop.autonomy.scope(shop.id) as scope:
        collect(scope)


def put(part, content):
    return requests.put(part["url"], content, timeout=60).status_code


def slices(begun, content):
    for part in begun["parts"]:
        start = (part["number"] - 1) * begun["part_size"]
        yield part, content[start : start + part["size"]]


def test_a_file_goes_to_the_store_in_parts_and_becomes_a_track(shop, uploads):
    begun = begin(uploads, len(LONG))
    assert [part["number"] for part in begun["parts"]] == [1, 2, 3]
    first, *rest = slices(begun, LONG)
    assert put(*first) == 200
    missing = call(uploads, "GET", begun, "parts")
    assert [part["number"] for part in missing["parts"]] == [2, 3]
    refused = call(uploads, "POST", begun, "complete", 409)
    assert refused["code"] == "upload_unfinished"
    assert "2, 3" in refused["detail"]
    assert uploads.use(shop.album(), f"/{begun['id']}", status=409)["code"] == "upload_unfinished"
    for part in rest:
        assert put(*part) == 200

    assert call(uploads, "POST", begun, "complete")["is_complete"]
    assert call(uploads, "POST", begun, "complete")["is_complete"], "a lost answer is asked for again"
    # As if the server had been killed after the store joined the parts.
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(PendingUpload).values(received=0))
    assert call(uploads, "GET", begun, "parts")["parts"] == []
    assert call(uploads, "POST", begun, "complete")["is_complete"]
    album = shop.album()
    track = uploads.use(album, f"/{begun['id']}")["track"]
    assert (track["filename"], track["size"]) == ("long.mp3", len(LONG))
    shop.sell(album)
    assert shop.get(shop.tracks(album)["items"][0]["stream_url"]).body == LONG


def test_the_store_refuses_other_sizes_other_parts_and_changed_urls(uploads):
    begun = begin(uploads, len(MUSIC))
    (part,) = begun["parts"]
    assert put(part, MUSIC + b"x") == 403
    assert put({"url": part["url"].replace("partNumber=1", "partNumber=2")}, MUSIC) == 403
    assert requests.get(part["url"], timeout=60).status_code == 403
    other = begin(uploads, len(MUSIC))
    assert put({"url": part["url"].replace(begun["id"], other["id"])}, MUSIC) == 403
    assert put(part, MUSIC) == 200


def test_what_was_sent_is_inspected_and_continued_only_as_it_began(shop, uploads):
    content = b"no music at all"
    begun = begin(uploads, len(content))
    assert uploads.send(f"{uploads.path}/{begun['id']}", 0, content, 403).json["code"] == "upload_is_final"
    for part in slices(begun, content):
        assert put(*part) == 200
    call(uploads, "POST", begun, "complete")
    assert uploads.use(shop.album(), f"/{begun['id']}", status=422)["code"] == "not_playable"
    through_the_server = uploads.begin(10).rpartition("/")[2]
    for method, name in (("GET", "parts"), ("POST", "complete")):
        refused = call(uploads, method, {"id": through_the_server}, name, 409)
        assert refused["code"] == "upload_not_direct"


def test_the_limits_hold_before_the_store_is_asked(uploads):
    assert begin(uploads, 2001 * 1024**2, 413)["code"] == "upload_too_large"
    begin(uploads, 700 * 1024**2)
    assert begin(uploads, 700 * 1024**2, 413)["code"] == "storage_full"


def test_a_directory_takes_no_direct_upload(make_shop):
    assert begin(Uploads(make_shop("beacon")), 10, 409)["code"] == "upload_not_direct"


def test_an_object_of_another_size_than_announced_is_not_used(shop, uploads):
    begun = begin(uploads, len(MUSIC))
    for part in slices(begun, MUSIC):
        assert put(*part) == 200
    call(uploads, "POST", begun, "complete")
    album = shop.album()
    # The store belongs to the organisation, which may replace what is in it.
    for length in (len(MUSIC) - 1, len(MUSIC) + 1):
        with shop.autonomy.scope(shop.id) as scope:
            scope.session.execute(update(PendingUpload).values(length=length, received=length))
        assert uploads.use(album, f"/{begun['id']}", status=503)["code"] == "storage_unavailable"
    assert list(shop.autonomy.runtime.settings.data.rglob("upload-*")) == []


def test_beginning_is_recorded_and_repeated_with_its_key(shop, uploads):
    key = {"Idempotency-Key": "6f1c1a52-5ff7-4f0b-9a44-4dfb8c1f7a11"}
    begun = begin(uploads, len(MUSIC), **key)
    assert begin(uploads, len(MUSIC), **key) == begun
    assert uploads.usage()["uploads"] == 1
    with shop.autonomy.scope(shop.id) as scope:
        target = AuditEntry.target == f"upload:{begun['id']}"
        entry = scope.session.scalars(select(AuditEntry).where(target)).one()
    assert entry.action == "upload.begun"
    assert entry.detail["after"] == {"filename": "long.mp3", "length": len(MUSIC)}


def test_requests_at_once_complete_an_upload_and_each_is_told_so(shop, uploads):
    begun = begin(uploads, len(MUSIC))
    for part in slices(begun, MUSIC):
        assert put(*part) == 200
    with shop.autonomy.scope(shop.id) as scope:
        stored = direct.object_of(scope, begun["id"])
        direct_id = scope.session.scalars(select(PendingUpload.direct_id)).one()
    arrived = stored.parts(direct_id)
    call(uploads, "POST", begun, "complete")
    # The other request has asked for the parts before they were joined.
    stored.complete(direct_id, arrived)
    assert stored.size() == len(MUSIC)


@pytest.mark.parametrize("complete", [False, True])
def test_an_expired_direct_upload_leaves_nothing_in_the_store(shop, uploads, complete):
    begun = begin(uploads, len(MUSIC))
    for part in slices(begun, MUSIC):
        assert put(*part) == 200
    if complete:
        call(uploads, "POST", begun, "complete")
    else:
        # As if the server had been killed before it could keep the store's id.
        with shop.autonomy.scope(shop.id) as scope:
            scope.session.execute(update(PendingUpload).values(direct_id=None))
    with shop.autonomy.scope(shop.id) as scope:
        stored = direct.object_of(scope, begun["id"])
    expire(shop, seconds=1)
    assert uploads.usage()["uploads"] == 0
    assert put(begun["parts"][0], MUSIC) == (404 if complete else 200), "a URL is still valid"
    expire(shop, seconds=direct.URL_SECONDS + 1)
    assert stored.size() is None
    assert put(begun["parts"][0], MUSIC) == 404, "the multipart upload has ended"
    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.scalars(select(PendingUpload)).all() == []
