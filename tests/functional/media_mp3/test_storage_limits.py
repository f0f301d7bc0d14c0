"""An organisation stores no more than its ini file says, however many uploads come at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from autonomy_core.cli.context import CliContext
from autonomy_core.cli.files import files
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.tus import GIGABYTE, Uploads, limited_shop
from tests.unit.media_mp3 import material


def test_an_upload_is_refused_that_is_too_large_or_has_no_room(autonomy, make_shop):
    uploads = Uploads(limited_shop(autonomy, max_upload_mb=600, storage_gb=1))
    assert uploads.begin(601 * 1024**2, 413).json["code"] == "upload_too_large"
    uploads.begin(600 * 1024**2)
    refused = uploads.begin(600 * 1024**2, 413).json
    assert (refused["code"], refused["limit_bytes"]) == ("storage_full", GIGABYTE)
    assert refused["used_bytes"] == 600 * 1024**2
    Uploads(make_shop("beacon")).begin(2000 * 1024**2)


def test_a_form_is_refused_when_there_is_no_room(autonomy):
    shop = limited_shop(autonomy, storage_gb=1)
    uploads, album = Uploads(shop), shop.album()
    track = shop.upload(album, MUSIC)["track"]
    reserved = uploads.begin(GIGABYTE - len(MUSIC))
    assert shop.upload(album, material.cbr(48000), status=413)["code"] == "storage_full"
    assert [each["id"] for each in shop.tracks_for_staff(album)] == [track["id"]]
    uploads.request("DELETE", reserved, status=204)
    shop.upload(album, material.cbr(48000))


def test_a_finished_upload_is_used_although_it_filled_the_storage(autonomy):
    shop = limited_shop(autonomy, storage_gb=1)
    uploads, album = Uploads(shop), shop.album()
    path = uploads.whole(MUSIC)
    rest = uploads.begin(GIGABYTE - len(MUSIC))
    uploads.use(album, path)
    assert uploads.begin(1, 413).json["code"] == "storage_full"
    used = uploads.usage()
    assert (used["bytes"], used["limit"]) == (GIGABYTE, GIGABYTE)
    assert (used["uploads"], used["upload_bytes"]) == (1, GIGABYTE - len(MUSIC))
    areas = {each["files"]: (each["count"], each["bytes"]) for each in used["areas"]}
    assert areas["media_mp3/recordings"] == (1, len(MUSIC))
    uploads.request("DELETE", rest, status=204)
    assert uploads.usage()["bytes"] == len(MUSIC)


def test_uploads_that_begin_at_once_do_not_exceed_the_limit_together(committed):
    uploads = Uploads(limited_shop(committed, storage_gb=1))
    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(uploads.begin, 300 * 1024**2, "*") for _ in range(8)]
        statuses = sorted(each.result().status_int for each in begun)
    assert statuses == [201] * 3 + [413] * 5
    assert uploads.usage()["upload_bytes"] == 900 * 1024**2


@pytest.mark.parametrize(("key", "value"), [("storage_gb", "0"), ("max_upload_mb", "much")])
def test_a_wrong_limit_is_reported_with_its_line(autonomy, key, value):
    with pytest.raises(AssertionError, match=key):
        limited_shop(autonomy, "mistaken", **{key: value})


def test_the_operator_sees_what_organisations_store(autonomy):
    shop = limited_shop(autonomy, "counted", storage_gb=2)
    shop.upload(shop.album(), MUSIC)
    Uploads(shop).begin(1000)
    cli = CliContext()
    vars(cli).update(_runtime=autonomy.runtime, plugins=autonomy.runtime.plugins)
    result = CliRunner().invoke(files, ["usage", "counted", "--json"], obj=cli)
    (row,) = json.loads(result.output)
    assert row["organisation"] == "counted"
    assert (row["bytes"], row["limit"]) == (len(MUSIC) + 1000, 2 * GIGABYTE)
    assert (row["uploads"], row["media_mp3/recordings"]) == (1, len(MUSIC))
