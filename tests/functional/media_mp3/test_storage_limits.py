"""An organisation stores no more than its ini file says, however many uploads come at once."""

from __future__ import annotations

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from autonomy_core.cli.context import CliContext
from autonomy_core.cli.files import files
from autonomy_core.files.area import FileArea
from autonomy_core.files.room import usage
from autonomy_core.kernel.files import StoredFiles
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


def areas_used(autonomy, *areas):
    """What `usage` adds up for these files of ``acme``, by their name."""
    autonomy.organisation()
    runtime = replace(autonomy.runtime, stored_files=tuple(("scores", area) for area in areas))
    with runtime.transaction(autonomy.get_organisation("acme")) as scope:
        return {area.files: (area.count, area.bytes) for area in usage(scope).areas}


def files_of(name, query):
    return FileArea(name, lambda settings: Path(), query, plugin="scores", suffix=".pdf")


def test_a_file_counts_once_and_files_of_others_never(autonomy):
    rows = "(VALUES ('acme/1', 10), ('acme/1', 10), ('acme/2', 5), ('acme2/3', 7), ('beacon/4', 7))"
    used = areas_used(
        autonomy,
        files_of("sheets", f"SELECT * FROM {rows} AS rows"),
        files_of("unsized", f"SELECT column1 FROM {rows} AS rows"),
        files_of("none", f"SELECT * FROM {rows} AS rows WHERE false"),
        StoredFiles("named-otherwise", lambda settings: Path(), "SELECT 'cover.jpg', 8"),
    )
    assert used == {
        "scores/sheets": (2, 15),
        "scores/unsized": (2, 0),
        "scores/none": (0, 0),
        "scores/named-otherwise": (1, 8),
    }


def test_the_database_adds_up_however_many_files_there_are(autonomy):
    many = files_of("many", "SELECT 'acme/' || n, n FROM generate_series(1, 200000) AS n")
    tracemalloc.start()
    try:
        assert areas_used(autonomy, many) == {"scores/many": (200_000, 20_000_100_000)}
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
