"""A full disk: an upload is a 503, leaves no file, and succeeds once there is space.

A limit on the size of files simulates the full disk: the system refuses to continue a write in the middle of
a file, in the server's own code and in the store's.
"""

import resource
from contextlib import contextmanager

from demo import music
from media_mp3 import services
from tests.unit.media_mp3 import material

# Larger than what a test writes elsewhere meanwhile.
RECORDING = music.tag(material.PIECE) + material.cbr() * 60
ANOTHER = RECORDING + material.cbr()


@contextmanager
def full_disk(room):
    """Files get no larger than this many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def stored(shop):
    media = shop.autonomy.runtime.settings.data / "media"
    return {path for path in media.rglob("*") if path.is_file()}


def test_an_upload_without_disk_space_is_refused_without_a_trace(shop):
    album, before = shop.album(), stored(shop)
    with full_disk(len(RECORDING) // 2):
        assert shop.upload(album, RECORDING, status=503)["code"] == "storage_unavailable"
    assert stored(shop) == before
    shop.upload(album, RECORDING)
    assert len(stored(shop) - before) == 1


def test_a_recording_that_cannot_be_stored_is_no_track(shop, monkeypatch):
    album, before, kept = shop.album(), stored(shop), services.store_upload

    def full_by_now(*arguments, **options):
        with full_disk(len(RECORDING) // 2):
            return kept(*arguments, **options)

    with monkeypatch.context() as later:
        later.setattr(services, "store_upload", full_by_now)
        assert shop.upload(album, ANOTHER, status=503)["code"] == "storage_unavailable"
    assert stored(shop) == before
    shop.upload(album, ANOTHER)
    assert len(stored(shop) - before) == 1
