"""Stored files are deleted only after no track has referred to them for the delay."""

from __future__ import annotations

import dataclasses
import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import text

from autonomy_core.files.object_storage import ObjectStorage
from autonomy_core.plugin_api.files import Upload, keep_upload, storage_of, store_upload
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import PaymentStatus
from media_mp3 import services
from media_mp3.domain import AudioFacts, TrackReport
from media_mp3.jobs import collect
from media_mp3.settings import RECORDINGS, files_directory
from tests.functional.media_mp3.shop import MUSIC, Shop
from tests.functional.media_mp3.steps import DAYS, OTHER, pass_days, remove, visit

LONG_S = 60


@pytest.fixture
def shop(make_shop):
    """An organisation whose files are this test's alone."""
    return clean(make_shop("collector"))


def clean(shop):
    with shop.autonomy.scope(shop.id) as scope:
        for key in files(shop, scope):
            storage_of(scope, RECORDINGS).delete(key)
    return shop


def files(shop, scope=None):
    if scope is None:
        with shop.autonomy.scope(shop.id) as inner:
            return files(shop, inner)
    return sorted(storage_of(scope, RECORDINGS).keys(shop.id))


def replace(shop, album, track, content):
    shop.autonomy.app.put(
        f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}/file",
        upload_files=[("file", "new.mp3", content, "audio/mpeg")],
        headers=shop.staff,
    )


def test_a_replaced_file_is_deleted_after_the_delay(shop):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    replace(shop, album, track, OTHER)
    assert len(files(shop)) == 2

    visit(shop)
    pass_days(shop, DAYS - 1)
    visit(shop)
    assert len(files(shop)) == 2

    pass_days(shop, 2)
    visit(shop)
    (left,) = files(shop)
    assert track["sha256"] not in left
    visit(shop)
    assert files(shop) == [left]


def test_a_file_to_which_another_product_refers_stays(shop):
    one, other = shop.album(), shop.album()
    track = shop.upload(one, MUSIC)["track"]
    shop.upload(other, MUSIC)
    replace(shop, one, track, OTHER)

    visit(shop)
    pass_days(shop, DAYS + 1)
    visit(shop)

    assert len(files(shop)) == 2


def test_a_removed_track_that_was_bought_keeps_its_file(shop):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    shop.sell(album)
    remove(shop, album, track)

    for _ in range(3):
        pass_days(shop, DAYS + 1)
        visit(shop)

    (heard,) = shop.tracks(album)["items"]
    assert shop.get(heard["stream_url"]).body == MUSIC


def test_a_removed_track_that_was_bought_in_a_bundle_keeps_its_file(shop):
    album, item = shop.album(), {"kind": "bundle", "title": "Both", "amount": 900}
    track = shop.upload(album, MUSIC)["track"]
    bundle = shop.autonomy.app.post_json(
        f"{shop.api}/admin/products", {**item, "item_ids": [str(album.id)]}, headers=shop.staff
    ).json
    path = f"{shop.api}/customers/products/{bundle['id']}/purchase"
    shop.autonomy.app.post_json(path, {}, headers=shop.as_ada, status=201)
    remove(shop, album, track)

    for _ in range(3):
        pass_days(shop, DAYS + 1)
        visit(shop)

    assert len(files(shop)) == 1


def test_a_removed_track_without_a_purchase_is_deleted_with_its_file(shop):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    remove(shop, album, track)
    shop.upload(album, OTHER)
    shop.sell(album)  # too late for the track that was removed

    visit(shop)
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.execute(
            text("UPDATE media_mp3_tracks SET removed_at = removed_at - interval '31 days'")
        )
        scope.session.execute(text("UPDATE payments SET created_at = now()"))
    visit(shop)
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"
    shop.autonomy.app.get(path, headers=shop.staff, status=404)
    assert len(files(shop)) == 2

    pass_days(shop, DAYS + 1)
    visit(shop)
    assert len(files(shop)) == 1


def test_a_file_that_is_used_again_stays_and_its_delay_restarts(shop):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    replace(shop, album, track, OTHER)
    visit(shop)
    replace(shop, album, track, MUSIC)
    pass_days(shop, DAYS + 1)

    visit(shop)
    assert len(files(shop)) == 2
    replace(shop, album, track, OTHER)
    visit(shop)

    assert len(files(shop)) == 2


def test_the_delays_restart_after_a_restoration(shop):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    replace(shop, album, track, OTHER)
    visit(shop)
    # A backup of that day is restored weeks later: the collector has not come by since.
    with shop.autonomy.scope(shop.id) as scope:
        ago = utcnow() - timedelta(days=DAYS + 5)
        scope.session.execute(
            text("UPDATE media_mp3_unreferenced_files SET since = :ago, seen_at = :ago"), {"ago": ago}
        )

    visit(shop)

    assert len(files(shop)) == 2


def test_files_of_another_organisation_and_foreign_files_stay(shop, make_shop):
    other = clean(make_shop("collector2"))
    with other.autonomy.scope(other.id) as scope:
        root = files_directory(scope.server)
    directory, theirs = root / shop.id, root / other.id / "00" / f"{'0' * 64}.mp3"
    for path in (theirs, directory / "notes.txt", directory / "00" / "song.mp3"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")

    visit(shop)
    pass_days(shop, DAYS + 1)
    visit(shop)

    assert theirs.exists()
    assert (directory / "notes.txt").exists()
    assert (directory / "00" / "song.mp3").exists()


def test_an_upload_during_the_collection_keeps_its_file(committed, tmp_path):
    shop, album, path = a_lonely_file(committed, tmp_path)
    deleted, go_on = Event(), Event()

    def collect_slowly():
        with shop.autonomy.scope(shop.id) as scope:
            collect(scope)
            deleted.set()
            assert go_on.wait(LONG_S)

    upload = Upload(path, digest(path), len(MUSIC), "a.mp3", {})
    with ThreadPoolExecutor(2) as pool:
        # The upload has found the file, and so not written it, before the collector deletes it.
        with shop.autonomy.scope(shop.id) as scope:
            store_upload(scope, RECORDINGS, upload)
        collecting = pool.submit(collect_slowly)
        assert deleted.wait(LONG_S)
        assert files(shop) == []
        adding = pool.submit(add, shop, album, upload)
        wait_for_a_lock(shop)
        go_on.set()
        collecting.result(LONG_S)
        adding.result(LONG_S)

    assert len(files(shop)) == 1


def test_the_collector_keeps_a_file_of_a_pending_upload(committed, tmp_path):
    shop, album, path = a_lonely_file(committed, tmp_path)
    upload = Upload(path, digest(path), len(MUSIC), "a.mp3", {})

    with ThreadPoolExecutor(1) as pool:
        with shop.autonomy.scope(shop.id) as scope:
            add_in(scope, album, upload)
            collecting = pool.submit(visit, shop)
            wait_for_a_lock(shop)
        collecting.result(LONG_S)

    assert len(files(shop)) == 1


def a_lonely_file(committed, tmp_path):
    """A file that is due, since its product lost it long ago."""
    committed.organisation("collector3", plugins=("media_mp3", "stand_ins"))
    shop = clean(Shop(committed, "collector3"))
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    replace(shop, album, track, OTHER)
    remove_file(shop, OTHER)
    visit(shop)
    pass_days(shop, DAYS + 1)
    path = tmp_path / "upload.mp3"
    path.write_bytes(MUSIC)
    return shop, album, path


def remove_file(shop, content):
    """Leave the one file only that the test is about."""
    with shop.autonomy.scope(shop.id) as scope:
        for key in files(shop, scope):
            if storage_of(scope, RECORDINGS).size(key) == len(content):
                storage_of(scope, RECORDINGS).delete(key)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def add(shop, album, upload):
    with shop.autonomy.scope(shop.id) as scope:
        add_in(scope, album, upload)


def add_in(scope, album, upload):
    report = TrackReport(facts=AudioFacts(1000, 128_000, 44100, 2, layer=3, vbr=False, frames=38))
    services.add_track(scope, album.id, upload, report, {}, actor="test")
    keep_upload(scope, RECORDINGS, upload)


def wait_for_a_lock(shop):
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
    with shop.autonomy.scope(shop.id) as scope:
        while not scope.session.scalar(waiting):
            Event().wait(0.01)


def test_listing_a_slow_store_holds_no_transaction(shop, monkeypatch):
    shop.upload(shop.album(), MUSIC)
    real, held = ObjectStorage.keys, []

    with shop.autonomy.scope(shop.id) as scope:

        def keys(self, organisation_id):
            held.append(scope.session.holds_connection)
            return real(self, organisation_id)

        monkeypatch.setattr(ObjectStorage, "keys", keys)
        collect(scope)
    assert held == [False, False, False, False]  # one visit of each area


def test_files_of_expired_purchases_stay_while_payments_may_be_late(shop, collected_soon):
    album = shop.album()
    track = shop.upload(album, MUSIC)["track"]
    payment = shop.autonomy.payment(shop.autonomy.customer(shop.id, "late@example.org"), album)
    shop.autonomy.settle(payment, PaymentStatus.EXPIRED)
    remove(shop, album, track)
    path = f"{shop.api}/admin/products/{album.id}/tracks/{track['id']}"

    pass_days(shop, 7)
    visit(shop)
    shop.autonomy.app.get(path, headers=shop.staff)

    pass_days(shop, 2)
    visit(shop)
    shop.autonomy.app.get(path, headers=shop.staff, status=404)


@pytest.fixture
def collected_soon(shop):
    """A server that says ``media_mp3.collect_after_days = 1``."""
    before = shop.autonomy.runtime
    plugins = dict(before.settings.plugins)
    plugins["media_mp3"] = {**plugins["media_mp3"], "collect_after_days": 1}
    shop.autonomy.runtime = dataclasses.replace(
        before, settings=dataclasses.replace(before.settings, plugins=plugins)
    )
    yield
    shop.autonomy.runtime = before
