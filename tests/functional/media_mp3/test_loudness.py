"""The worker measures the loudness of each track, and writes the gain into the files of buyers."""

from __future__ import annotations

from array import array
from uuid import UUID

import pytest
from sqlalchemy import event

from autonomy_core.testing.format_contract import tags_of
from media_mp3.loudness import jobs as loudness
from media_mp3.loudness.models import TrackLoudness
from media_mp3.loudness.services import begin, settle_albums, unmeasured
from media_mp3.models import Track
from media_mp3.renditions import jobs, making
from tests.unit.media_mp3 import masters

pytestmark = pytest.mark.processes


def work(shop):
    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)


def quieter() -> bytes:
    """The same recording at a quarter of the amplitude, which is 12 dB less."""
    return masters.wav_with(array("h", [each // 4 for each in array("h", masters.samples())]).tobytes())


def for_staff(shop, track):
    path = f"{shop.api}/admin/products/{track['product_id']}/tracks/{track['id']}"
    return shop.autonomy.app.get(path, headers=shop.staff).json["loudness"]


def test_staff_and_buyers_see_the_loudness_and_players_read_the_gain(make_shop, tmp_path):
    shop = make_shop(formats="flac opus")
    album = shop.album()
    loud = shop.upload(album, masters.wav())["track"]
    assert (loud["loudness"]["state"], loud["loudness"]["integrated_lufs"]) == ("waiting", None)
    shop.upload(album, quieter(), filename="quieter.wav")
    work(shop)
    shop.sell(album)

    first, second = shop.tracks(album)["items"]

    assert for_staff(shop, loud) == {**first["loudness"], "state": "ready", "error": None}
    one, two = first["loudness"], second["loudness"]
    assert one["integrated_lufs"] - two["integrated_lufs"] == pytest.approx(12, abs=0.1)
    assert one["track_gain_db"] == pytest.approx(-18 - one["integrated_lufs"], abs=0.01)
    assert one["album_gain_db"] == two["album_gain_db"]
    assert one["track_gain_db"] < one["album_gain_db"] < two["track_gain_db"]
    assert one["true_peak_dbtp"] < 0
    flac, opus = (tags_of(saved(shop, tmp_path, each), style)
                  for each, style in zip(first["formats"], ("flac", "ogg"), strict=True))  # fmt: skip
    assert flac["replaygain_track_gain"] == f"{one['track_gain_db']:.2f} dB"
    assert flac["replaygain_album_gain"] == f"{one['album_gain_db']:.2f} dB"
    assert 0 < float(flac["replaygain_track_peak"]) < 1
    assert int(opus["r128_track_gain"]) == pytest.approx((one["track_gain_db"] - 5) * 256, abs=1)
    assert "replaygain_track_gain" not in opus


def saved(shop, tmp_path, listed):
    path = tmp_path / listed["name"]
    path.write_bytes(shop.get(listed["stream_url"]).body)
    return path


def test_a_release_without_one_of_its_tracks_has_another_gain(shop):
    album = shop.album()
    loud = shop.upload(album, masters.wav())["track"]
    quiet = shop.upload(album, quieter(), filename="quieter.wav")["track"]
    work(shop)
    together = for_staff(shop, quiet)["album_gain_db"]
    shop.autonomy.app.delete(f"{shop.api}/admin/products/{album.id}/tracks/{loud['id']}", headers=shop.staff)
    work(shop)

    alone = for_staff(shop, quiet)
    assert together < alone["album_gain_db"] == pytest.approx(alone["track_gain_db"], abs=0.16)
    assert for_staff(shop, loud)["album_gain_db"] is None


def test_another_file_is_measured_anew(shop):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    work(shop)
    before = for_staff(shop, track)
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/file"
    sent = [("file", "quieter.wav", quieter(), "audio/wav")]
    replaced = shop.autonomy.app.put(path, upload_files=sent, headers=shop.staff).json["track"]
    assert (replaced["loudness"]["state"], replaced["loudness"]["track_gain_db"]) == ("waiting", None)

    work(shop)

    after = for_staff(shop, track)
    assert after["track_gain_db"] - before["track_gain_db"] == pytest.approx(12, abs=0.1)


def test_staff_see_why_a_track_was_not_measured_and_try_again(shop, monkeypatch):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    with monkeypatch.context() as patch:
        patch.setattr(loudness, "measure", failing)
        for _ in range(4):
            work(shop)
    failed = for_staff(shop, track)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "encoding_failed")
    with shop.autonomy.scope(shop.id) as scope:
        assert scope.session.query(TrackLoudness).one().attempts == 3

    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/formats/retry"
    shop.autonomy.app.post(path, headers=shop.staff)
    assert for_staff(shop, track)["state"] == "waiting"
    work(shop)
    assert for_staff(shop, track)["state"] == "ready"


def failing(*_, **__):
    raise making.FfmpegFailed("ended with 1: no sound")


def test_a_lost_master_does_not_keep_the_others_from_being_measured(shop, monkeypatch):
    album = shop.album()
    lost, other = (shop.upload(album, each)["track"] for each in (masters.wav(), quieter()))
    real = loudness.fetch_master

    def fetch(scope, key, media_format, size, target):
        if key.endswith(lost_key):
            raise making.NotMade("storage_unavailable")
        real(scope, key, media_format, size, target)

    with shop.autonomy.scope(shop.id) as scope:
        lost_key = scope.session.get_one(Track, (shop.id, UUID(lost["id"]))).storage_key
    monkeypatch.setattr(loudness, "fetch_master", fetch)
    work(shop)

    assert for_staff(shop, other)["state"] == "ready"
    failed = for_staff(shop, lost)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "storage_unavailable")


def uploaded(shop, albums):
    """Different recordings, one in each of the albums."""
    pcm = masters.samples()
    files = (masters.wav_with(pcm[4 * at :]) for at, _ in enumerate(albums))
    return [shop.upload(album, each)["track"]["id"] for album, each in zip(albums, files, strict=True)]


def test_a_file_waits_for_its_gain_when_lost_masters_end_the_run(make_shop, monkeypatch):
    """Otherwise it would be made without the gain, and once more with it."""
    shop = make_shop(formats="flac")
    *lost, _waiting = uploaded(shop, [shop.album() for _ in range(4)])
    encoded = []
    monkeypatch.setattr(loudness, "fetch_master", gone)
    monkeypatch.setattr(jobs, "_render_one", lambda _scope, wanted: encoded.append(str(wanted.track_id)))

    work(shop)

    assert encoded == lost


def test_a_release_is_not_kept_waiting_by_a_master_that_was_tried(make_shop, monkeypatch):
    """Three failures in a row end each run, so one of the four lost masters is not tried in it."""
    shop = make_shop(formats="flac")
    tracks = uploaded(shop, [shop.album()] * 4)
    encoded = []
    monkeypatch.setattr(loudness, "fetch_master", gone)
    monkeypatch.setattr(jobs, "_render_one", lambda _scope, wanted: encoded.append(str(wanted.track_id)))

    work(shop)
    assert encoded == []
    work(shop)
    assert encoded == tracks


def gone(*_):
    raise making.NotMade("storage_unavailable")


def test_the_gain_of_a_release_is_found_without_its_waveforms(shop):
    shop.upload(shop.album(), masters.wav())
    loaded = []
    event.listen(Track, "load", note := lambda track, _: loaded.append(track))
    with shop.autonomy.scope(shop.id) as scope:
        settle_albums(scope)
    event.remove(Track, "load", note)
    assert loaded == []


def test_a_track_that_ended_the_worker_each_time_waits_for_staff(shop, monkeypatch):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    with shop.autonomy.scope(shop.id) as scope:
        (wanted,) = unmeasured(scope)
        for _ in range(3):
            assert begin(scope, wanted)
            scope.session.flush()
        assert unmeasured(scope) == []
    failed = for_staff(shop, track)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "encoding_interrupted")

    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/formats/retry"
    shop.autonomy.app.post(path, headers=shop.staff)

    assert for_staff(shop, track)["state"] == "waiting"


def test_a_track_that_ended_the_worker_is_measured_after_the_others(shop):
    album = shop.album()
    first, second = (shop.upload(album, each)["track"]["id"] for each in (masters.wav(), quieter()))
    with shop.autonomy.scope(shop.id) as scope:
        begin(scope, unmeasured(scope)[0])
        scope.session.flush()

        assert [str(each.track_id) for each in unmeasured(scope)] == [second, first]


def test_a_failure_is_shown_while_attempts_remain(shop, monkeypatch):
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    monkeypatch.setattr(loudness, "measure", failing)
    work(shop)

    shown = for_staff(shop, track)
    assert (shown["state"], shown["error"]["code"]) == ("waiting", "encoding_failed")
