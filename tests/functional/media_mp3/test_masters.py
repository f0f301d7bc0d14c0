"""Staff upload masters of other formats than MP3, and buyers hear them."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import text

from autonomy_core.plugin_api.files import storage_of
from media_mp3.settings import AUDIO, RECORDINGS
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import masters

MASTERS = {
    "wav": (masters.wav, "audio/wav", ".wav"),
    "aiff": (masters.aiff, "audio/aiff", ".aiff"),
    "flac": (masters.flac, "audio/flac", ".flac"),
    "alac": (masters.alac, "audio/mp4", ".m4a"),
}


@pytest.mark.parametrize("name", MASTERS)
def test_a_master_becomes_a_track_that_a_buyer_hears_and_downloads(shop, name):
    make, media_type, extension = MASTERS[name]
    album, content = shop.album(), make()

    uploaded = shop.upload(album, content, filename=f"Night Ferry{extension}")
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]
    heard = shop.get(track["stream_url"])
    part = shop.get(track["stream_url"], status=206, Range="bytes=100-199")
    saved = shop.get(track["download_url"])

    assert uploaded["track"]["format"] == uploaded["facts"]["format"] == name
    assert uploaded["track"]["title"] == "Night Ferry"
    assert (uploaded["facts"]["samples"], uploaded["facts"]["bits"]) == (masters.FRAMES, 16)
    assert (uploaded["facts"]["layer"], uploaded["facts"]["vbr"]) == (None, None)
    assert heard.body == saved.body == content
    assert part.body == content[100:200]
    assert heard.headers["Content-Type"] == media_type
    assert heard.headers["ETag"] == f'"{hashlib.sha256(content).hexdigest()}"'
    assert f'Night Ferry{extension}"' in saved.headers["Content-Disposition"]


def test_a_damaged_master_is_refused_and_nothing_is_stored(shop):
    album, damaged = shop.album(), masters.flac()[:-4000]

    answer = shop.upload(album, damaged, filename="a.flac", status=422)

    assert [finding["code"] for finding in answer["findings"]] == ["truncated"]
    with shop.autonomy.scope(shop.id) as scope:
        digest = hashlib.sha256(damaged).hexdigest()
        assert not [key for key in storage_of(scope, AUDIO).keys(shop.id) if digest in key]


def test_a_replaced_file_may_be_of_another_format(shop):
    album = shop.album()
    track = shop.upload(album)["track"]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"

    def replace(content):
        files = [("file", "other", content, "audio/flac")]
        return shop.autonomy.app.put(f"{path}/file", {}, upload_files=files, headers=shop.staff).json["track"]

    def areas():
        with shop.autonomy.scope(shop.id) as scope:
            return {
                area.name
                for area in (RECORDINGS, AUDIO)
                if any(scope.session.scalars(text(area.referred_to)))
            }

    lossless = replace(masters.flac())
    heard = shop.autonomy.app.get(f"{path}/stream", headers=shop.staff)
    kept_in = areas()
    lossy = replace(MUSIC)

    assert (lossless["format"], heard.body, kept_in) == ("flac", masters.flac(), {"audio"})
    assert (lossy["format"], areas()) == ("mp3", {"recordings"})
    assert shop.autonomy.app.get(f"{path}/stream", headers=shop.staff).body == MUSIC
