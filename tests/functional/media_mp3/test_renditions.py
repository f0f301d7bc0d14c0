"""The worker makes the formats that an organisation sells, and buyers get them."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text

from autonomy_core.audit.models import AuditEntry
from autonomy_core.plugin_api.files import StorageUnavailable, TurnsBusy
from autonomy_core.plugin_api.images import images_of
from autonomy_core.testing.format_contract import cover_of, decoded, tags_of
from media_mp3.loudness import jobs as loudness
from media_mp3.loudness.models import TrackLoudness
from media_mp3.renditions import jobs, making, planning, services
from media_mp3.renditions.checks import check_formats
from media_mp3.renditions.models import Rendition
from media_mp3.settings import TRACK_IMAGE
from tests.functional.media_mp3.shop import MUSIC
from tests.functional.media_mp3.steps import heard_of, work, written
from tests.unit.media_mp3 import masters

pytestmark = pytest.mark.processes


@pytest.fixture
def seller(make_shop):
    """Makes shops that sell formats."""

    def make(formats="mp3_v0 flac", organisation_id="acme"):
        return make_shop(organisation_id, formats=formats)

    return make


def formats(shop, album, track=None):
    below = f"/{track['id']}" if track else ""
    path = f"{shop.api}/admin/products/{album.id}/tracks{below}/formats"
    return shop.autonomy.app.get(path, headers=shop.staff).json["items"]


def states(shop, album):
    return {each["name"]: each["state"] for each in formats(shop, album)}


def change(shop, album, track, **values):
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"
    shop.autonomy.app.patch_json(path, values, headers=shop.staff)


def retry(shop, album, track):
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/formats/retry"
    return shop.autonomy.app.post(path, headers=shop.staff).json["items"]


def listed(shop, album):
    tracks = shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json["tracks"]
    return [[each["name"] for each in track["formats"]] for track in tracks]


def test_a_buyer_gets_each_format_with_the_shops_tags(seller, tmp_path):
    shop = seller("mp3_v0 flac opus")
    album = shop.album(title="First Light")
    shop.upload(album, masters.wav(), title="Night Ferry", artist="The Quiet Tide", year=2019)
    assert {*states(shop, album).values()} == {"waiting"}
    assert listed(shop, album) == [["wav"]]

    work(shop)
    shop.sell(album)

    assert states(shop, album) == {"mp3_v0": "ready", "flac": "ready", "opus": "ready"}
    assert listed(shop, album) == [["mp3_v0", "flac", "opus"]]
    (track,) = shop.tracks(album)["items"]
    assert [each["name"] for each in track["formats"]] == ["mp3_v0", "flac", "opus"]
    for each in track["formats"]:
        heard, saved = shop.get(each["stream_url"]), shop.get(each["download_url"])
        assert heard.body == saved.body
        assert (heard.content_type, len(heard.body)) == (each["media_type"], each["size"])
        found = tags_of(written(tmp_path, heard.body), "ogg" if each["name"] == "opus" else "id3")
        assert (found["title"], found["artist"], found["album"]) == (
            "Night Ferry", "The Quiet Tide", "First Light"
        )  # fmt: skip
        assert (found["track"], found["date"], found["comment"]) == ("1/1", "2019", "https://acme.example/")
    part = shop.get(track["formats"][1]["stream_url"], status=206, Range="bytes=4-7")
    assert part.body == heard_of(shop, track, "flac")[4:8]
    assert 'Tide - Night Ferry.opus"' in saved.headers["Content-Disposition"]


def test_a_lossless_format_has_the_samples_of_the_master(seller, tmp_path):
    shop = seller("flac wav")
    album = shop.album()
    shop.upload(album, masters.aiff())
    work(shop)
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]

    for name in ("flac", "wav"):
        samples = decoded(written(tmp_path, heard_of(shop, track, name)))
        assert samples.tobytes()[2::4] + samples.tobytes()[3::4] == (
            masters.samples()[::2] + masters.samples()[1::2]
        )


def test_an_mp3_is_not_encoded_again_and_gets_tags(seller, tmp_path):
    shop = seller("flac mp3_320")
    album = shop.album(title="First Light")
    uploaded = shop.upload(album, MUSIC, title="Harbour")["track"]
    work(shop)
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]

    assert [(each["name"], each["lossless"]) for each in track["formats"]] == [("mp3", False)]
    file = shop.get(track["stream_url"]).body
    frames = MUSIC[MUSIC.index(b"\xff\xfb") :]
    assert file.endswith(frames)
    found = tags_of(written(tmp_path, file), "id3")
    assert (found["title"], found["album"]) == ("Harbour", "First Light")
    # It is still a file that the shop would accept.
    again = shop.upload(album, file, title="again")["track"]
    assert again["duration_ms"] == uploaded["duration_ms"]


def test_the_links_without_a_format_give_the_first_one(seller):
    shop = seller("flac mp3_v0")
    album = shop.album()
    shop.upload(album, masters.wav(), filename="Night Ferry.wav")
    shop.sell(album)
    (before,) = shop.tracks(album)["items"]
    assert (before["formats"], shop.get(before["stream_url"]).body) == ([], masters.wav())

    work(shop)

    saved = shop.get(before["download_url"])
    assert saved.content_type == "audio/flac"
    assert saved.headers["Content-Disposition"].endswith('.flac"')
    path = f"{shop.api}/admin/products/{album.id}/tracks/{before['id']}/download"
    assert shop.autonomy.app.get(path, headers=shop.staff).body == masters.wav()


def test_a_link_of_one_format_opens_no_other(seller):
    shop = seller("mp3_v0 flac")
    album = shop.album()
    shop.upload(album, masters.wav())
    work(shop)
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]
    link = track["formats"][0]["stream_url"]

    shop.get(link.replace("/mp3_v0/", "/flac/"), status=401)
    shop.get(link.replace("/stream?", "/download?"), status=401)
    path = f"{shop.api}/customers/tracks/{track['id']}/formats/flac/stream"
    assert shop.autonomy.app.get(path, headers=shop.as_ada).content_type == "audio/flac"
    shop.autonomy.app.get(path.replace("flac", "opus"), headers=shop.as_ada, status=404)
    stranger = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "eve@example.org"))
    shop.autonomy.app.get(path, headers=stranger, status=404)


def test_a_change_makes_formats_anew_and_the_old_file_stays_until_then(seller, tmp_path):
    shop = seller("flac")
    album = shop.album()
    track = shop.upload(album, masters.wav(), title="Before")["track"]
    work(shop)
    shop.sell(album)

    change(shop, album, track, title="After")

    def title():
        (owned,) = shop.tracks(album)["items"]
        return tags_of(written(tmp_path, heard_of(shop, owned, "flac")), "flac")["title"]

    assert title() == "Before"
    work(shop)
    assert title() == "After"


def test_an_update_makes_only_changed_formats_anew(seller, monkeypatch):
    shop = seller("aac flac")
    (track,) = tracks_of(shop, 1)
    work(shop)
    assert planned(shop) == []

    monkeypatch.setattr(planning, "ENCODING_VERSIONS", {**planning.ENCODING_VERSIONS, "mp4": 99})
    with shop.autonomy.scope(shop.id) as scope:
        outdated = [(str(each.track_id), each.format.name) for each in jobs.plan(scope, making.obstacle_to)]
    assert outdated == [(track, "aac")]


def test_a_change_that_no_hook_tells_is_found_by_the_periodic_job(seller, tmp_path):
    shop = seller("flac")
    album = shop.album(title="Before")
    shop.upload(album, masters.wav())
    work(shop)
    shop.sell(album)

    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(text("UPDATE products SET title = 'After'"))
        jobs.render(scope)

    (track,) = shop.tracks(album)["items"]
    assert tags_of(written(tmp_path, heard_of(shop, track, "flac")), "flac")["album"] == "After"


def test_the_cover_is_in_the_file(seller, tmp_path):
    from io import BytesIO

    from PIL import Image

    picture = BytesIO()
    Image.new("RGB", (1400, 1400), "navy").save(picture, "JPEG")
    shop = seller("flac")
    album = shop.album()
    sent = [("file", "cover.jpg", picture.getvalue(), "image/jpeg")]
    path = f"{shop.api}/admin/products/{album.id}/cover"
    shop.autonomy.app.put(path, upload_files=sent, headers=shop.staff)
    shop.upload(album, masters.wav())
    work(shop)
    shop.sell(album)

    (track,) = shop.tracks(album)["items"]
    cover = cover_of(written(tmp_path, heard_of(shop, track, "flac")))
    assert Image.open(BytesIO(cover)).size == (1200, 1200)


def test_staff_see_why_a_format_failed_and_have_it_made_again(seller, monkeypatch):
    shop = seller("flac")
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    with monkeypatch.context() as patch:
        patch.setattr(making, "encode", failing)
        work(shop)
        for _ in range(3):
            with shop.autonomy.scope(shop.id) as scope:
                jobs.render(scope)
    (failed,) = formats(shop, album, track)
    assert (failed["state"], failed["attempts"], failed["size"]) == ("failed", 3, None)
    assert failed["error"]["code"] == "encoding_failed"
    assert "Try again" in failed["error"]["remedy"]

    assert [each["state"] for each in retry(shop, album, track)] == ["waiting"]
    with shop.autonomy.scope(shop.id) as scope:
        assert "track.formats_retried" in set(scope.session.scalars(select(AuditEntry.action)))
    work(shop)

    (ready,) = formats(shop, album, track)
    assert (ready["state"], ready["error"]) == ("ready", None)


def failing(*_, **__):
    raise making.FfmpegFailed("ended with 1: no sound")


def test_a_machine_without_ffmpeg_is_reported_and_tried_again(seller, monkeypatch):
    shop = seller("flac opus")
    album = shop.album()
    shop.upload(album, masters.wav())
    with monkeypatch.context() as patch:
        patch.setattr(making, "find_ffmpeg", lambda: None)
        work(shop)
    assert {each["error"]["code"] for each in formats(shop, album)} == {"ffmpeg_missing"}

    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)

    assert {*states(shop, album).values()} == {"ready"}


def test_a_master_that_changes_meanwhile_wins(seller, monkeypatch):
    shop = seller("flac")
    album = shop.album()
    track = shop.upload(album, masters.wav())["track"]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/file"
    real, replaced = making.encode, []

    def encode_late(*arguments, **options):
        real(*arguments, **options)
        if not replaced:
            files = [("file", "new.flac", masters.flac(), "audio/flac")]
            replaced.append(shop.autonomy.app.put(path, upload_files=files, headers=shop.staff))

    monkeypatch.setattr(making, "encode", encode_late)
    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)
    assert states(shop, album) == {"flac": "waiting"}

    work(shop)
    assert states(shop, album) == {"flac": "ready"}


def test_a_format_that_is_not_sold_any_more_is_forgotten(seller):
    shop = seller("flac")
    album = shop.album()
    shop.upload(album, masters.wav())
    work(shop)
    shop.autonomy.organisation(shop.id, plugins=("media_mp3", "stand_ins"))

    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)
        assert scope.session.query(Rendition).count() == 0
    assert formats(shop, album) == []
    assert listed(shop, album) == [["wav"]]


def test_a_misspelt_format_does_not_remove_its_files(seller):
    shop = seller("flac opus")
    shop.upload(album := shop.album(), masters.wav())
    work(shop)
    settings = {"plugins": ("media_mp3", "stand_ins")}
    shop.autonomy.organisation(shop.id, **settings, settings={"media_mp3": {"formats": "flca opus"}})

    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)
        kept = {row.format: row.made for row in scope.session.query(Rendition)}
    assert (kept.keys(), None in kept.values()) == ({"flac", "opus"}, False)
    assert states(shop, album) == {"opus": "ready"}


def test_a_store_that_is_down_is_asked_once_in_a_run(seller, monkeypatch):
    shop = seller("flac wav opus")
    shop.upload(album := shop.album(), masters.wav())
    with monkeypatch.context() as patch:
        patch.setattr(making, "fetch_master", unavailable)
        work(shop)
    assert states(shop, album) == {"flac": "failed", "wav": "waiting", "opus": "waiting"}
    (failed, *_) = formats(shop, album)
    assert failed["error"]["code"] == "storage_unavailable"

    real = making.encode
    made = []

    def noted(media_format, *arguments, **options):
        made.append(media_format.name)
        real(media_format, *arguments, **options)

    monkeypatch.setattr(making, "encode", noted)
    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)
    assert made == ["wav", "opus", "flac"]  # a lost master would not keep the others from being made


def unavailable(*_, **__):
    raise StorageUnavailable("no answer")


def tracks_of(shop, number):
    """Uploaded tracks of one album, in its order. Their formats are not made yet."""
    album = shop.album()
    pcm = masters.samples()
    different = (masters.wav_with(pcm[4 * each :]) for each in range(number))
    return [shop.upload(album, each)["track"]["id"] for each in different]


def planned(shop):
    with shop.autonomy.scope(shop.id) as scope:
        return [str(each.track_id) for each in jobs.plan(scope, making.obstacle_to)]


def test_files_that_fail_each_time_take_turns(seller, monkeypatch):
    """Three failures in a row end a run, so each run tries three of the four lost masters."""
    shop = seller("flac")
    tracks = tracks_of(shop, 4)
    tried = []

    def lost(_scope, wanted, _directory):
        tried.append(str(wanted.track_id))
        raise StorageUnavailable("no such file")

    monkeypatch.setattr(making, "_make", lost)
    for _ in range(4):
        with shop.autonomy.scope(shop.id) as scope:
            jobs.render(scope)

    assert tried == tracks * 3


def test_a_lost_master_does_not_make_other_tracks_wait(seller, monkeypatch):
    shop = seller("flac wav")
    lost, other = tracks_of(shop, 2)
    real = making.fetch_master
    asked = []

    def fetch(_scope, key, *arguments):
        asked.append(key)
        if key == asked[0]:
            raise StorageUnavailable("no such file")
        real(_scope, key, *arguments)

    monkeypatch.setattr(making, "fetch_master", fetch)
    with shop.autonomy.scope(shop.id) as scope:
        jobs.render(scope)
        rows = scope.session.query(Rendition).order_by(Rendition.format)
        found = [(str(row.track_id), row.format, row.state) for row in rows]

    assert len(asked) == 3  # the second format of the lost master is not tried
    assert {each for each in found if each[0] == other} == {(other, "flac", "ready"), (other, "wav", "ready")}
    assert {each for each in found if each[0] == lost} == {(lost, "flac", "failed"), (lost, "wav", "waiting")}


def test_lost_masters_delay_other_tracks_by_one_run_only(seller, monkeypatch):
    """Three failures in a row end a run. The second does not begin with other formats of the same tracks."""
    shop = seller("flac wav")
    *lost, other = tracks_of(shop, 4)
    real = making._make

    def make(scope, wanted, directory):
        if str(wanted.track_id) in lost:
            raise StorageUnavailable("no such file")
        return real(scope, wanted, directory)

    monkeypatch.setattr(making, "_make", make)
    for _ in range(2):
        with shop.autonomy.scope(shop.id) as scope:
            jobs.render(scope)

    with shop.autonomy.scope(shop.id) as scope:
        ready = scope.session.query(Rendition).filter_by(state="ready").order_by(Rendition.format)
        assert [(str(row.track_id), row.format) for row in ready] == [(other, "flac"), (other, "wav")]


def test_a_file_that_ended_the_worker_is_made_after_the_others(seller):
    shop = seller("flac")
    first, second, third = tracks_of(shop, 3)
    assert planned(shop) == [first, second, third]

    with shop.autonomy.scope(shop.id) as scope:
        began = "UPDATE media_mp3_renditions SET state = 'running', attempts = 1, changed_at = now()"
        for track in (second, first):
            scope.session.execute(
                text(f"{began} + make_interval(secs => :later) WHERE track_id = :track"),
                {"track": track, "later": int(track == first)},
            )

    assert planned(shop) == [third, second, first]


def test_only_a_finished_file_changes_what_visitors_see(seller):
    shop = seller("flac")
    shop.upload(shop.album(), masters.wav())
    with shop.autonomy.scope(shop.id) as scope:
        jobs.plan(scope, making.obstacle_to)
    changed = []
    with shop.autonomy.scope(shop.id) as scope:
        for change in (
            "state = 'running', attempts = 1",
            "state = 'failed', error = 'x'",
            "made = 'x', storage_key = 'x', size = 1, sha256 = 'x', stored_at = now()",
        ):
            before = version(scope)
            scope.session.execute(text(f"UPDATE media_mp3_renditions SET {change}"))
            changed.append(version(scope) != before)
    assert changed == [False, False, True]


def version(scope):
    scope.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    scope.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    return scope.session.scalar(text("SELECT version FROM catalogue_versions"))


def test_a_rendition_of_a_killed_worker_is_made_again(seller):
    shop = seller("flac")
    album = shop.album()
    shop.upload(album, masters.wav())
    with shop.autonomy.scope(shop.id) as scope:
        jobs.plan(scope, making.obstacle_to)
        scope.session.execute(text("UPDATE media_mp3_renditions SET state = 'running', attempts = 1"))
    work(shop)
    assert states(shop, album) == {"flac": "ready"}

    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(
            text(
                "UPDATE media_mp3_renditions SET state = 'running', attempts = 3, made = NULL, "
                "storage_key = NULL, size = NULL, sha256 = NULL, stored_at = NULL"
            )
        )
        jobs.plan(scope, making.obstacle_to)
    (given_up,) = formats(shop, album)
    assert (given_up["state"], given_up["error"]["code"]) == ("failed", "encoding_interrupted")


def test_a_shop_has_more_tracks_than_a_statement_has_parameters(seller):
    shop = seller("flac")
    many = [SimpleNamespace(id=uuid4(), removed_at=None, hidden=False, format="wav") for _ in range(70_000)]
    with shop.autonomy.scope(shop.id) as scope:
        assert services.finished_files(scope, many) == {}
        assert len(services.choices_of(scope, many)) == len(many)
        assert images_of(scope, TRACK_IMAGE, [each.id for each in many]) == {}


def test_a_new_upload_is_served_before_old_tracks_are_measured(seller, monkeypatch):
    """As after the update that began to measure. Files wait for the loudness of their product only."""
    shop = seller("flac")
    shop.upload(old := shop.album(), masters.wav())
    work(shop)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(TrackLoudness))
    new = shop.album()
    shop.upload(new, masters.aiff())
    measured = []

    def one_at_a_time(scope, turns, deadline, wanted):
        if measured:
            raise TurnsBusy
        measured.append(wanted.product_id)
        with turns.turn(scope.organisation.id, 60):
            return loudness._measure_one(scope, wanted)

    monkeypatch.setattr(loudness, "_measure_in_turn", one_at_a_time)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(text("DELETE FROM procrastinate_jobs"))
        jobs.render(scope)

    assert measured == [new.id]
    assert states(shop, new) == {"flac": "ready"}
    assert states(shop, old) == {"flac": "waiting"}
    assert services.RENDER_JOB in {job["task_name"] for job in shop.autonomy.jobs(shop.id, within_s=1000)}


def test_two_uploads_are_one_job(seller):
    shop = seller("flac")
    album = shop.album()
    shop.upload(album, masters.wav())
    shop.upload(album, masters.aiff())

    assert [job["task_name"] for job in shop.autonomy.jobs(shop.id)] == ["media_mp3.render"]


def test_an_unfinished_run_comes_again_once_and_after_a_pause(seller, monkeypatch):
    shop = seller("flac wav")
    album = shop.album()
    monkeypatch.setattr(jobs, "BUDGET_S", 0)
    monkeypatch.setattr(jobs, "PAUSE_S", 100)
    # The tests' transaction is one, so now() is its beginning.
    monkeypatch.setattr(services, "PAUSE_S", 1000)

    def due(within_s):
        found = shop.autonomy.jobs(shop.id, within_s=within_s)
        return [job["task_name"] for job in found].count(services.RENDER_JOB)

    shop.upload(album, masters.wav())
    assert due(0) == 1
    for _ in range(2):
        with shop.autonomy.scope(shop.id) as scope:
            jobs.render(scope)
        assert (due(0), due(1000)) == (0, 1)
        with shop.autonomy.scope(shop.id) as scope:
            scope.session.execute(text("DELETE FROM procrastinate_jobs"))
    with shop.autonomy.scope(shop.id) as scope:
        jobs.defer_again(scope, services.RENDER_JOB, in_seconds=100)
    shop.upload(album, masters.aiff())  # the run after the pause makes its formats, too
    assert (due(0), due(1000)) == (0, 1)


def test_the_doctor_names_unknown_formats_and_missing_encoders(seller, monkeypatch):
    from media_mp3.renditions import checks

    shop = seller("flac mp4_video opus")
    with shop.autonomy.scope(shop.id) as scope:
        found = [(each.code, each.severity, each.subject) for each in check_formats(scope)]
        assert found == [("format_unknown", "error", "mp4_video")]
        monkeypatch.setattr(checks, "encoders", lambda: frozenset({"flac"}))
        assert [each.code for each in check_formats(scope)] == ["format_unknown", "encoder_missing"]
        monkeypatch.setattr(checks, "find_ffmpeg", lambda: None)
        assert [each.code for each in check_formats(scope)] == ["format_unknown", "ffmpeg_missing"]


def test_staff_hear_what_buyers_get(seller):
    shop = seller("flac")
    album = shop.album()
    track = shop.upload(album, masters.wav(), title="Night Ferry")["track"]
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/formats/flac"
    shop.get(f"{path}/stream", 404, **shop.staff)
    work(shop)
    shop.sell(album)
    (bought,) = shop.tracks(album)["items"]

    saved = shop.get(f"{path}/download", **shop.staff)

    assert saved.body == shop.get(f"{path}/stream", **shop.staff).body == heard_of(shop, bought, "flac")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="Night Ferry.flac"'
    shop.get(f"{path}/stream", 401)
    shop.get(f"{path}/stream", 403, **shop.as_ada)
