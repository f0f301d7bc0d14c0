"""Recordings live in S3: they are uploaded, sold, played in parts, and removed there."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from autonomy_core.files.administration import move
from autonomy_core.files.storage import storage_key
from autonomy_core.testing.application import make_autonomy
from media_mp3.jobs import collect
from media_mp3.settings import RECORDINGS
from tests.functional.media_mp3.shop import LONG, MUSIC, Shop
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY
from tests.support.server_processes import wait_for
from tests.unit.media_mp3 import material

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def autonomy_settings(s3):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment.items():
            patch.setenv(name, value)
        yield {**s3.ini("shop/recordings"), "autonomy.files.timeout": "3"}


def in_bucket(s3, path, organisation_id):
    """The keys of an organisation's recordings in a store."""
    files = SimpleNamespace(store=s3.store(path), previous=None, timeout=20)
    settings = SimpleNamespace(files=files, data=None, plugins={"media_mp3": {"directory": "/nowhere"}})
    return set(RECORDINGS.storage(settings).keys(organisation_id))


def key_of(shop, track):
    return storage_key(shop.id, track["sha256"], ".mp3")


def test_a_recording_in_s3_is_played_like_one_in_a_directory(shop, s3):
    album = shop.album()
    track = shop.upload(album, LONG)["track"]
    shop.sell(album)
    (heard,) = shop.tracks(album)["items"]

    assert key_of(shop, track) in in_bucket(s3, "shop/recordings", shop.id)
    assert not (shop.autonomy.runtime.settings.data / "media" / "files").exists()
    assert shop.get(heard["stream_url"]).body == LONG
    part = shop.get(heard["stream_url"], status=206, Range="bytes=1000-4999")
    assert part.body == LONG[1000:5000]
    assert part.headers["Content-Range"] == f"bytes 1000-4999/{len(LONG)}"
    assert shop.get(heard["stream_url"], method="HEAD").headers["Content-Length"] == str(len(LONG))


def test_an_archive_of_recordings_in_s3_is_read_in_parts(make_shop):
    shop = make_shop("archivist")
    album = shop.album()
    shop.upload(album, LONG)
    shop.upload(album, MUSIC)
    shop.sell(album)
    path = f"{shop.api}/customers/products/{album.id}/archives"
    (archive,) = shop.autonomy.app.get(path, headers=shop.as_ada).json["items"]

    whole = shop.get(archive["download_url"]).body

    assert len(whole) == archive["size"]
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        assert [opened.read(name) for name in opened.namelist()[:2]] == [LONG, MUSIC]
    border = whole.index(MUSIC)
    part = shop.get(archive["download_url"], status=206, Range=f"bytes={border - 9}-{border + 9}")
    assert part.body == whole[border - 9 : border + 10]


def test_a_replaced_recording_is_removed_from_s3_after_the_delay(make_shop, s3):
    shop = make_shop("collector")
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    shop.autonomy.app.put(
        f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/file",
        upload_files=[("file", "new.mp3", material.cbr(48000), "audio/mpeg")],
        headers=shop.staff,
    )
    assert len(in_bucket(s3, "shop/recordings", "collector")) == 2
    for since in ("0 days", "31 days"):
        with shop.autonomy.scope(shop.id) as scope:
            scope.session.connection().exec_driver_sql(
                "UPDATE media_mp3_unreferenced_files SET since = since - interval '%s'" % since  # noqa: UP031
            )
            collect(scope)
    (left,) = in_bucket(s3, "shop/recordings", "collector")
    assert left != key_of(shop, track)


def test_an_organisation_has_its_recordings_in_a_bucket_of_its_own(autonomy, s3):
    s3.make_bucket("nightjar-own")
    before = Shop(autonomy, autonomy.organisation("nightjar", plugins=("media_mp3", "stand_ins")).id)
    album = before.album()
    before.upload(album, MUSIC)
    own = {"url": "s3://nightjar-own/files", "endpoint": s3.endpoint}
    own |= {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    autonomy.organisation("nightjar", plugins=("media_mp3", "stand_ins"), settings={"files": own})
    other = before.upload(album, material.cbr(48000))["track"]
    before.sell(album)

    assert in_bucket(s3, "nightjar-own/files", "nightjar") == {key_of(before, other)}
    heard = before.tracks(album)["items"]
    bodies = {before.get(each["stream_url"]).body for each in heard}
    assert bodies == {MUSIC, material.cbr(48000)}, "what was stored before is still played"


def test_a_store_that_hangs_is_a_503_until_it_answers_again(owned, shop, s3):
    _, track = owned
    os.killpg(s3.process.pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            assert shop.get(track["stream_url"], status=503).json["code"] == "storage_unavailable"
        refused = shop.upload(shop.album(), material.cbr(32000), status=503)
        assert refused["code"] == "storage_unavailable"
        assert shop.tracks(owned[0])["items"]
    finally:
        os.killpg(s3.process.pid, signal.SIGCONT)
    wait_for(
        lambda: shop.get(track["stream_url"], status="*").status_int == 200,
        "the store is asked again, and the recording is played",
    )


def test_what_one_server_received_another_one_streams(shop, s3, autonomy_plugins, tmp_path):
    """Two servers have one database, one bucket and one secret, and data directories of their own."""
    first = shop.autonomy
    settings = {**s3.ini("shop/recordings"), "autonomy.secret": f"file:{first.runtime.settings.data}/secret"}
    second = make_autonomy(autonomy_plugins, first.database, tmp_path, **settings)
    second.organisation(
        shop.id, plugins=("media_mp3", "stand_ins"), settings={"files": {"delivery": "redirect"}}
    )
    album = shop.album()
    shop.upload(album, LONG)
    shop.sell(album)
    (track,) = shop.tracks(album)["items"]
    parts = urlsplit(track["stream_url"])
    link = f"{parts.path}?{parts.query}"

    answer = second.app.get(link, headers={"Range": "bytes=1000-4999", "If-Match": "*"}, status=206)
    assert answer.body == LONG[1000:5000]
    redirect = second.app.get(link, status=302)
    with urllib.request.urlopen(redirect.location, timeout=60) as file:
        assert file.read() == LONG
    assert not list(tmp_path.rglob("*.mp3")), "the second server has no file of its own"


def test_a_server_moves_from_a_directory_to_s3_while_it_serves(committed, s3, autonomy_plugins, tmp_path):
    tree = tmp_path / "tree"
    in_s3, previous = s3.ini("shop/moved"), {"autonomy.files.previous_url": f"file://{tree}"}

    def server(name, **files):
        (directory := tmp_path / name).mkdir()
        secret = f"file:{committed.runtime.settings.data}/secret"
        made = make_autonomy(
            autonomy_plugins, committed.database, directory, **files, **{"autonomy.secret": secret}
        )
        made.organisation("acme", plugins=("media_mp3", "stand_ins"))
        return made

    def played(autonomy):
        return [autonomy.app.get(urlsplit(link).path, headers=shop.as_ada).body for link in links]

    shop = Shop(server("before", **{"autonomy.files.url": f"file://{tree}"}), "acme")
    album, contents = shop.album(), [MUSIC, material.cbr(48000), LONG]
    for content in contents:
        shop.upload(album, content)
    shop.sell(album)
    links = [track["stream_url"] for track in shop.tracks(album)["items"]]

    during = server("during", **in_s3, **previous)
    scope = during.runtime.scope_outside(during.get_organisation("acme"))
    assert played(during) == contents
    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move, scope, RECORDINGS)
        while not moving.done():
            assert played(during) == contents
    moved_shop = copy.copy(shop)
    moved_shop.autonomy = during
    moved_shop.upload(album, material.cbr(32000))

    assert (moving.result().copied, moving.result().damaged) == (3, [])
    assert len(in_bucket(s3, "shop/moved", "acme")) == 4
    assert len(list(tree.rglob("*.mp3"))) == 3, "nothing new is written there, and nothing is deleted"
    shutil.rmtree(tree)
    assert played(server("after", **in_s3)) == contents
