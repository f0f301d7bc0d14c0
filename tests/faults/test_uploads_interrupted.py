"""Server, worker and store are killed while staff upload: each master and each format is there in the end."""

import pytest

from tests.faults.uploads import BUCKET, VICTIMS, run, studio
from tests.support.s3_server import s3_server

pytestmark = [pytest.mark.processes, pytest.mark.concurrent]


def test_killed_processes_leave_no_half_track_and_no_lost_file(tmp_path):
    with s3_server(tmp_path / "store") as store:
        store.make_bucket(BUCKET)
        with studio(tmp_path / "studio", store) as own:
            answers, killed, found = run(own, uploads=6, kills=3, seed="1")
    assert found == []
    assert killed == dict.fromkeys(VICTIMS, 1)
    assert answers[201] + answers[409] == 6
