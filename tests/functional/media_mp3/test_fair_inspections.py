"""Uploads of one organisation do not delay the inspections of another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from media_mp3.inspection import intake
from tests.functional.media_mp3.shop import MUSIC, Shop

LONG_S = 60


def test_a_flood_of_uploads_delays_its_own_organisation_only(committed, monkeypatch):
    """The real inspection, which for one organisation does not end before it is told to."""
    flooding, other = (shop_of(committed, name) for name in ("flooding", "other"))
    album, albums = other.album(), [flooding.album() for _ in range(2 + intake.PLACES // 2)]
    begun, end = Event(), Event()
    inspect = intake.reports.inspect

    def slow(path):
        if FLOOD in path.read_bytes():
            begun.set()
            assert end.wait(LONG_S)
        return inspect(path)

    monkeypatch.setattr(intake.reports, "inspect", slow)
    with ThreadPoolExecutor(len(albums)) as pool:
        uploads = [pool.submit(send, flooding, album, MUSIC + FLOOD) for album in albums]
        assert begun.wait(LONG_S)

        # One more than may wait: the organisation's own upload is refused, the other's is not.
        statuses = [next_done(uploads)]
        assert send(other, album, MUSIC) == 201

        end.set()
        statuses += [upload.result(LONG_S) for upload in uploads]
    assert sorted(statuses) == [201] * (len(albums) - 1) + [503]


# At the end of the file, where a tag lies that says nothing.
FLOOD = b"TAG" + b"flood".ljust(125, b"\0")


def shop_of(autonomy, organisation_id):
    autonomy.organisation(organisation_id, plugins=("media_mp3", "stand_ins"))
    return Shop(autonomy, organisation_id)


def send(shop, album, content):
    answer = shop.autonomy.app.post(
        f"{shop.api}/admin/products/{album.id}/tracks",
        upload_files=[("file", "song.mp3", content, "audio/mpeg")],
        headers=shop.staff,
        expect_errors=True,
    )
    assert answer.status_int == 201 or answer.json["code"] == "inspection_busy"
    return answer.status_int


def next_done(uploads):
    """The status of the first upload that is answered; it is taken out of the list."""
    while True:
        for upload in uploads:
            if upload.done():
                uploads.remove(upload)
                return upload.result()
        Event().wait(0.01)
