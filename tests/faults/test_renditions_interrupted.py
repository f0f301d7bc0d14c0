"""Workers that are killed while they measure, and while they make a format.

Nothing is there by halves, and the next one finishes.
"""

import pytest
from sqlalchemy import select, text

from autonomy_core.plugin_api.files import storage_of
from media_mp3.loudness.models import TrackLoudness
from media_mp3.renditions.models import Rendition
from media_mp3.settings import RENDITIONS
from tests.support.server_processes import processes, wait_for
from tests.unit.media_mp3 import masters

pytestmark = [pytest.mark.processes, pytest.mark.concurrent]

FORMATS = ["flac", "mp3_320", "opus", "wav"]
INI = """\
[app:main]
use = egg:autonomy-server
autonomy.tenants = {tenants}
autonomy.data = {data}
sqlalchemy.url = {database}
"""
REPEATED = 30
"""The master lasts a minute, so that measuring and a format take long enough to be seen meanwhile."""

# `rescue` does it half a minute after the last heartbeat; its own tests wait for that.
TAKE_UP = text("UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL WHERE status = 'doing'")


@pytest.fixture
def workers(committed, tmp_path):
    committed.organisation(
        "acme", plugins=("media_mp3",), settings={"media_mp3": {"formats": " ".join(FORMATS)}}
    )
    settings = committed.runtime.settings
    database = committed.database.url.replace("%", "%%")
    ini = tmp_path / "server.ini"
    ini.write_text(INI.format(tenants=settings.tenants, data=settings.data, database=database))
    with processes(ini) as running:
        yield running


def rows(committed):
    with committed.scope() as scope:
        found = scope.session.scalars(select(Rendition).order_by(Rendition.format)).all()
        return {row.format: (row.state, row.storage_key) for row in found}


def loudness(committed):
    """How often a worker has begun to measure the track, and what was found."""
    with committed.scope() as scope:
        row = scope.session.scalars(select(TrackLoudness)).one_or_none()
        return (row.attempts, row.integrated_lufs) if row else (0, None)


def kill(committed, workers):
    """Kill the worker, and have the next one take up its job."""
    workers.kill()
    with committed.scope() as scope:
        scope.session.execute(TAKE_UP)


def stored(committed):
    with committed.scope() as scope:
        return {*storage_of(scope, RENDITIONS).keys("acme")}


def test_killed_workers_leave_nothing_by_halves(committed, workers):
    album = committed.product("acme", kind="mp3")
    committed.app.post(
        f"/acme/api/v1/admin/products/{album.id}/tracks",
        upload_files=[("file", "long.wav", masters.wav_with(masters.samples() * REPEATED), "audio/wav")],
        headers=committed.as_staff(),
    )
    workers.start("measuring", "worker")
    wait_for(lambda: loudness(committed)[0] == 1, "the measurement")
    kill(committed, workers)
    assert (loudness(committed), rows(committed)) == ((1, None), {})

    workers.start("making", "worker")
    wait_for(lambda: any(state == "running" for state, _ in rows(committed).values()), "a format")
    kill(committed, workers)
    attempts, found = loudness(committed)
    assert (attempts, found is None) == (2, False)
    ready = {key for state, key in rows(committed).values() if state == "ready"}
    assert ready <= stored(committed)
    assert len(ready) < len(FORMATS)

    workers.start("last", "worker")
    wait_for(lambda: [state for state, _ in rows(committed).values()] == ["ready"] * len(FORMATS), "all")
    workers.stop("last")
    assert {key for _, key in rows(committed).values()} <= stored(committed)
    assert loudness(committed) == (attempts, found)
