"""Ranges of a recording, as players request them (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import hashlib

import pytest

from autonomy_core.files.storage import storage_key
from tests.functional.media_mp3.shop import MUSIC

SIZE = len(MUSIC)
SHA256 = hashlib.sha256(MUSIC).hexdigest()
ETAG = f'"{SHA256}"'


@pytest.fixture
def url(owned):
    return owned[1]["stream_url"]


def test_the_whole_recording_says_that_parts_can_be_had(shop, url):
    answer = shop.get(url)

    assert (answer.body, answer.content_length) == (MUSIC, SIZE)
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-", 0, SIZE - 1), ("bytes=0-1", 0, 1), ("bytes=-500", SIZE - 500, SIZE - 1),
     ("bytes=1000-99999999", 1000, SIZE - 1), (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1)],
)  # fmt: skip
def test_a_range_is_answered_with_exactly_these_bytes(shop, url, asked, first, last):
    answer = shop.get(url, status=206, Range=asked)

    assert answer.body == MUSIC[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.content_length == last - first + 1
    assert answer.content_type == "audio/mpeg"


@pytest.mark.parametrize("asked", ["bytes=-0", f"bytes={SIZE}-", "bytes=99999999-"])
def test_a_range_behind_the_end_is_refused_with_the_size(shop, url, asked):
    answer = shop.get(url, status=416, Range=asked)

    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "range_not_satisfiable"


def test_if_range_with_another_etag_sends_the_whole_file(shop, url):
    part = shop.get(url, status=206, Range="bytes=10-19", If_Range=ETAG)
    whole = shop.get(url, status=200, Range="bytes=10-19", If_Range='"another"')

    assert (part.body, whole.body) == (MUSIC[10:20], MUSIC)


def test_an_unchanged_file_is_a_304(shop, url):
    answer = shop.get(url, status=304, If_None_Match=ETAG)

    assert (answer.body, answer.headers["ETag"]) == (b"", ETAG)
    assert "Content-Type" not in answer.headers


def test_a_precondition_that_does_not_hold_is_a_problem(shop, url):
    answer = shop.get(url, status=412, If_Match='"another"')

    assert answer.json["code"] == "precondition_failed"


def test_head_is_a_get_without_the_bytes(shop, url):
    answer = shop.get(url, method="HEAD")

    assert answer.body == b""
    assert (answer.headers["Content-Length"], answer.headers["ETag"]) == (str(SIZE), ETAG)
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_missing_file_is_an_outage(shop, url):
    files = shop.autonomy.runtime.settings.data / "media" / "files"
    path = files / storage_key(shop.id, SHA256, ".mp3")
    path.rename(path.with_suffix(".away"))
    try:
        assert shop.get(url, status=503).json["code"] == "storage_unavailable"
    finally:
        path.with_suffix(".away").rename(path)


@pytest.mark.parametrize("left", [0, 10])
def test_a_truncated_file_is_an_outage(shop, url, left):
    files = shop.autonomy.runtime.settings.data / "media" / "files"
    path = files / storage_key(shop.id, SHA256, ".mp3")
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    try:
        assert shop.get(url, status=503).json["code"] == "storage_unavailable"
        assert shop.get(url, status=503, Range="bytes=20-30").json["code"] == "storage_unavailable"
    finally:
        path.write_bytes(whole)
