"""`make bench WHAT=files`, with a small file."""

import shutil

import pytest

from bench import benchmark
from bench.files import __main__ as bench_files

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]


def test_the_benchmark_prints_ratios_and_removes_its_files(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "DIRECTORY", tmp_path / "bench")
    monkeypatch.setattr(bench_files, "FILE_BYTES", 1_000_000)
    monkeypatch.setattr(bench_files, "SECONDS", 0.2)
    assert bench_files.main(["--rounds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "| nginx for the application |" in printed
    assert printed.count(" clients received ") == 2
    assert not any((tmp_path / "bench").iterdir())
