"""A buyer downloads a whole release as one ZIP file, which can be resumed."""

from __future__ import annotations

import zipfile
import zlib
from hashlib import sha256
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import delete, func, select, update
from structlog.testing import capture_logs

from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from media_mp3.archives import jobs
from media_mp3.archives.models import Checksum
from media_mp3.jobs import collect
from tests.functional.media_mp3.shop import MUSIC
from tests.unit.media_mp3 import masters, material

pytestmark = pytest.mark.processes

OTHER = material.cbr(48000)


@pytest.fixture
def release(shop):
    """A release of two tracks that Ada has bought, as the files that staff uploaded."""
    album = shop.album(title="First/Light")
    for content, title in ((MUSIC, "Night Ferry"), (OTHER, "Ça va?")):
        shop.upload(album, content, title=title)
    shop.sell(album)
    return album


def path_of(shop, album, format_name=None):
    path = f"{shop.api}/customers/products/{album.id}/archives"
    return path if format_name is None else f"{path}/{format_name}/download"


def listed(shop, album, **options):
    answer = shop.autonomy.app.get(path_of(shop, album), **{"headers": shop.as_ada, **options})
    return answer.json.get("items", answer.json)


def link(shop, album):
    return listed(shop, album)[0]["download_url"]


def opened(content):
    archive = zipfile.ZipFile(BytesIO(content))
    assert archive.testzip() is None
    return {info.filename: archive.read(info) for info in archive.infolist()}


def replace_file(shop, album, track, content):
    shop.autonomy.app.put(
        f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/file",
        upload_files=[("file", "new.mp3", content, "audio/mpeg")],
        headers=shop.staff,
    )


def public(shop, album):
    return shop.autonomy.app.get(f"{shop.api}/products/{album.id}").json


def picture():
    Image.new("RGB", (400, 400), "teal").save(content := BytesIO(), "PNG")
    return content.getvalue()


def test_a_buyer_gets_a_release_in_each_format_with_cover_and_credits(make_shop):
    shop = make_shop(formats="mp3_v0 flac")
    album = shop.album(title="First Light")
    for disc, title in ((1, "Night Ferry"), (2, "Harbour")):
        content = masters.wav() if disc == 1 else masters.aiff()
        shop.upload(album, content, title=title, artist="Ada", disc_number=disc)
    shop.autonomy.app.patch_json(
        f"{shop.api}/admin/products/{album.id}",
        {"artist": "The Quiet Tide", "credits": [{"role": "Mixing", "name": "Zoë"}]},
        headers=shop.staff,
    )
    shop.autonomy.app.put(
        f"{shop.api}/admin/products/{album.id}/cover",
        upload_files=[("file", "cover.png", picture(), "image/png")],
        headers=shop.staff,
    )
    shop.sell(album)
    # As single tracks: the uploaded files, until the worker has made others.
    assert [each["name"] for each in listed(shop, album)] == ["original"]
    while shop.autonomy.jobs(shop.id, with_mail=True):
        assert shop.autonomy.run_jobs(shop.id) == []

    assert public(shop, album)["formats"] == [
        {"name": "mp3_v0", "title": "MP3 V0", "lossless": False},
        {"name": "flac", "title": "FLAC", "lossless": True},
    ]
    found = listed(shop, album)
    assert [(each["name"], each["lossless"], each["tracks"]) for each in found] == [
        ("mp3_v0", False, 2),
        ("flac", True, 2),
    ]
    tracks = shop.tracks(album)["items"]
    for place, each in enumerate(found):
        answer = shop.get(each["download_url"])
        assert (answer.content_type, len(answer.body)) == ("application/zip", each["size"])
        assert answer.headers["Content-Length"] == str(each["size"])
        assert (
            f'filename="The Quiet Tide - First Light ({each["title"]}).zip"'
            in (answer.headers["Content-Disposition"])
        )
        members = opened(answer.body)
        extension = (".mp3", ".flac")[place]
        *songs, cover, credit_notes = members
        assert songs == [
            f"The Quiet Tide - First Light/1-01 Ada - Night Ferry{extension}",
            f"The Quiet Tide - First Light/2-01 Ada - Harbour{extension}",
        ]
        for name, track in zip(songs, tracks, strict=True):
            assert members[name] == shop.get(track["formats"][place]["download_url"]).body
        assert Image.open(BytesIO(members[cover])).format == "JPEG"
        assert "Mixing: Zoë" in members[credit_notes].decode()


def test_each_range_is_the_slice_of_the_whole_and_a_download_resumes(shop, release):
    url = link(shop, release)
    whole = shop.get(url)
    size, etag = len(whole.body), whole.headers["ETag"]
    members = opened(whole.body)
    assert list(members) == ["First_Light/01 Ada & the Looms - Night Ferry.mp3",
                             "First_Light/02 Ça va_.mp3", "First_Light/credits.txt"]  # fmt: skip
    assert [*members.values()][:2] == [MUSIC, OTHER]
    assert "02 Ça va? (" in members["First_Light/credits.txt"].decode(), "people read the title"

    border = len(MUSIC) - 50
    for start, end in ((0, size - 1), (0, 3), (border, border + 500), (size - 30, size - 1), (100, 100)):
        part = shop.get(url, status=206, Range=f"bytes={start}-{end}", If_Range=etag)
        assert part.body == whole.body[start : end + 1]
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{size}"
    assert shop.get(url, status=206, Range="bytes=-10").body == whole.body[-10:]
    assert shop.get(url, status=416, Range=f"bytes={size}-").json["code"] == "range_not_satisfiable"
    assert shop.get(url, Range="bytes=5-9", If_Range='"another"').body == whole.body
    assert shop.get(url, status=304, If_None_Match=etag).body == b""
    shop.get(url, status=412, If_Match='"another"')
    head = shop.get(url, method="HEAD")
    assert (head.headers["Content-Length"], head.headers["ETag"], head.body) == (str(size), etag, b"")


def test_a_track_replaced_during_a_download_mixes_nothing(shop, release):
    url = link(shop, release)
    before = shop.get(url)
    request = shop.autonomy.app.RequestClass.blank(url.removeprefix("http://localhost"))
    answer = request.send(shop.autonomy.app.app)
    pieces = iter(answer.app_iter)
    begun = next(pieces)

    replace_file(shop, release, shop.tracks(release)["items"][1], material.cbr(32000))

    assert begun + b"".join(pieces) == before.body
    after = shop.get(link(shop, release))
    assert after.headers["ETag"] != before.headers["ETag"]
    assert [*opened(after.body).values()][1] == material.cbr(32000)
    resumed = shop.get(url, Range="bytes=1000-", If_Range=before.headers["ETag"])
    assert resumed.body == after.body


def test_a_changed_title_changes_the_tag(shop, release):
    def tag():
        return shop.get(link(shop, release), method="HEAD").headers["ETag"]

    before = tag()
    assert tag() == before
    path = f"{shop.api}/admin/products/{release.id}"
    shop.autonomy.app.patch_json(path, {"label": "Tidal"}, headers=shop.staff)
    assert tag() != before


def test_a_refund_ends_archives_and_their_links(shop, release):
    url = link(shop, release)
    shop.get(url, status=206, Range="bytes=0-9")
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(update(Grant).values(revoked_at=utcnow(), revoked_because="refunded"))

    listed(shop, release, status=404)
    shop.get(url, status=404, Range="bytes=10-")


def test_an_archive_is_for_its_owner_and_a_link_for_its_format(shop, release, make_shop):
    url, path = link(shop, release), path_of(shop, release, "mp3")
    assert shop.autonomy.app.get(path, headers=shop.as_ada).body == shop.get(url).body
    for other in ("flac", "original", "MP3", "x" * 40):
        shop.autonomy.app.get(path_of(shop, release, other), headers=shop.as_ada, status=404)
    shop.get(url.replace("/mp3/", "/flac/"), status=401)
    shop.get(path, status=401)
    stranger = shop.autonomy.as_customer(shop.autonomy.customer(shop.id, "eve@example.org"))
    for where in (path, path_of(shop, release)):
        shop.autonomy.app.get(where, headers=stranger, status=404)
    beacon = make_shop("beacon")
    for where in (path_of(beacon, release, "mp3"), path_of(beacon, release)):
        shop.autonomy.app.get(where, headers=beacon.as_ada, status=404)


def test_a_pre_order_has_no_archive_before_the_release(shop, release):
    path = f"{shop.api}/admin/products/{release.id}"
    changes = {"release_date": "2990-01-01", "preorder": True}
    shop.autonomy.app.patch_json(path, changes, headers=shop.staff)

    (archive,) = listed(shop, release)
    assert (archive["download_url"], archive["available_at"][:4]) == (None, "2990")
    refused = shop.autonomy.app.get(path_of(shop, release, "mp3"), headers=shop.as_ada, status=403)
    assert refused.json["code"] == "not_available_yet"


def test_a_buyer_keeps_a_track_that_was_removed_later(shop, release):
    track = shop.tracks(release)["items"][0]
    path = f"{shop.api}/admin/products/{release.id}/tracks/{track['id']}"
    shop.autonomy.app.delete(path, headers=shop.staff)

    assert [name.partition("/")[2] for name in opened(shop.get(link(shop, release)).body)] == [
        "01 Ça va_.mp3", "Ada & the Looms - Night Ferry.mp3", "credits.txt"
    ]  # fmt: skip


def test_masters_of_several_formats_are_the_original_files(shop):
    album = shop.album()
    shop.upload(album, MUSIC)
    shop.upload(album, masters.wav())
    shop.sell(album)
    assert public(shop, album)["formats"] == [{"name": "wav", "title": "WAV", "lossless": False}]
    shop.upload(album, masters.flac(), filename="a.flac")
    assert [each["name"] for each in public(shop, album)["formats"]] == ["original"]
    assert len(opened(shop.get(link(shop, album)).body)) == 4


def test_the_worker_computes_the_checksums_of_files_stored_before(shop, release):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(Checksum))
    assert listed(shop, release) == []
    shop.autonomy.app.get(path_of(shop, release, "mp3"), headers=shop.as_ada, status=404)
    assert len(public(shop, release)["formats"]) == 1

    with shop.autonomy.scope(shop.id) as scope:
        jobs.compute_checksums(scope)
        found = set(scope.session.scalars(select(Checksum.crc32)))

    assert found == {zlib.crc32(MUSIC), zlib.crc32(OTHER)}
    assert opened(shop.get(link(shop, release)).body)


def test_a_missing_file_does_not_stop_other_checksums(shop, release):
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(Checksum))
    (missing,) = (shop.incoming.parent / "files" / shop.id).rglob(f"{sha256(MUSIC).hexdigest()}.mp3")
    missing.unlink()
    with shop.autonomy.scope(shop.id) as scope, capture_logs() as logs:
        jobs.compute_checksums(scope)
        assert scope.session.scalar(select(func.count()).select_from(Checksum)) == 1
    assert [line["event"] for line in logs] == ["media_mp3.file_missing"]
    deferred = {job["task_name"] for job in shop.autonomy.jobs(shop.id, within_s=1000)}
    assert jobs.CHECKSUMS_JOB not in deferred, "it would begin again without an end"


def test_a_damaged_file_does_not_stop_the_checksums_behind_it(shop, release, monkeypatch):
    monkeypatch.setattr(jobs, "MOST_FILES", 1)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(Checksum))
    damaged, whole = sorted((MUSIC, OTHER), key=lambda content: sha256(content).hexdigest())
    (path,) = (shop.incoming.parent / "files" / shop.id).rglob(f"{sha256(damaged).hexdigest()}.mp3")
    path.write_bytes(damaged[:100])

    with shop.autonomy.scope(shop.id) as scope:
        jobs.compute_checksums(scope)
        assert scope.session.scalars(select(Checksum.crc32)).all() == [zlib.crc32(whole)]


def test_a_store_that_does_not_answer_is_asked_few_times(shop, release, monkeypatch):
    asked = []

    class Down:
        def open_range(self, key, *_):
            asked.append(key)
            raise OSError("no answer")

    monkeypatch.setattr(jobs, "MOST_FAILURES", 1)
    monkeypatch.setattr(jobs, "storage_of", lambda *_: Down())
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(delete(Checksum))
    with shop.autonomy.scope(shop.id) as scope:
        jobs.compute_checksums(scope)
    assert len(asked) == 1


def test_an_archive_whose_first_file_is_missing_is_a_503(shop, release):
    url = link(shop, release)
    for path in (shop.incoming.parent / "files" / shop.id).rglob("*.mp3"):
        path.unlink()
    assert shop.get(url, status=503).json["code"] == "storage_unavailable"


def test_checksums_are_forgotten_with_their_files(shop, release):
    replace_file(shop, release, shop.tracks(release)["items"][1], material.cbr(32000))
    with shop.autonomy.scope(shop.id) as scope:
        collect(scope)
        found = set(scope.session.scalars(select(Checksum.crc32)))
    assert found == {zlib.crc32(MUSIC), zlib.crc32(material.cbr(32000))}
