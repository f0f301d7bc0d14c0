"""The whole webhook benchmark with few rounds. No speed is asserted."""

import os
import subprocess

import pytest

from bench import benchmark
from bench.database import VoidRun, require_durability
from bench.rounds import play
from bench.webhooks import djstripe
from bench.webhooks.__main__ import BENCHMARK

pytestmark = pytest.mark.processes

CONTENDERS = ("ours", "ours_busy", "flask", "flask_8", "psycopg_six", "pgbench", "pgbench_six")


def test_the_benchmark_settles_every_event_and_removes_its_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "DIRECTORY", tmp_path / "bench")
    monkeypatch.setattr(djstripe, "is_installed", lambda: False)
    assert BENCHMARK.main(["--rounds", "1", "--events", "20", "--connections", "4"]) == 0
    printed = capsys.readouterr().out
    assert all(f"| `{name}` |" in printed for name in CONTENDERS)
    assert "x `flask` | x `flask_8` | x `psycopg_six`" in printed
    assert list((tmp_path / "bench").iterdir()) == []
    children = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    assert "granian" not in children.stdout


@pytest.mark.skipif(not djstripe.is_installed(), reason="dj-stripe is not installed; `make bench` does it")
def test_djstripe_settles_every_event_once(postgresql, tmp_path):
    with djstripe.contender(postgresql, tmp_path, 2) as contender:
        timing = play(contender, range(10))
    postgresql.drop_database(djstripe.NAME)
    assert timing.stripe_cpu_seconds is not None


def test_a_database_that_is_not_durable_voids_the_run(postgresql):
    with pytest.raises(VoidRun, match="not durable"):
        require_durability(postgresql)
