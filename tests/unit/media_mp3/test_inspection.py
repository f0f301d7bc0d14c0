"""The child process: its limits, and what becomes of its end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from media_mp3 import inspection
from media_mp3.domain import TrackReport
from media_mp3.inspection import inspect, read_report
from tests.unit.media_mp3 import material

pytestmark = pytest.mark.processes

LIMITED = "from media_mp3.inspect_child import limit_process; limit_process(); "


def codes(report: TrackReport) -> list[str]:
    return [finding.code for finding in report.findings]


def limited(code: str) -> subprocess.CompletedProcess[bytes]:
    """Run some Python under the limits of an inspection."""
    return subprocess.run([sys.executable, "-I", "-c", LIMITED + code], capture_output=True, check=False)


def test_an_inspection_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "slow.mp3"
    path.write_bytes(material.tagged())

    assert codes(inspect(path, timeout_s=0.001)) == ["inspection_limit"]


def test_a_file_that_is_gone_is_a_finding_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = inspect(tmp_path / "gone.mp3")

    assert codes(report) == ["inspection_failed"]
    assert "FileNotFoundError" in caplog.text


def test_memory_is_limited() -> None:
    assert b"MemoryError" in limited("bytearray(450 << 20)").stderr


def test_writing_files_is_forbidden(tmp_path: Path) -> None:
    child = limited(f"open({str(tmp_path / 'x')!r}, 'wb', buffering=0).write(b'x')")

    assert b"File too large" in child.stderr


def test_processor_time_is_limited() -> None:
    child = limited("import resource; print(*resource.getrlimit(resource.RLIMIT_CPU))")

    soft, hard = map(int, child.stdout.split())
    assert 0 < soft <= 60
    assert soft < hard <= 61


def test_who_takes_too_much_processor_time_is_told_so() -> None:
    at_once = "import media_mp3.inspect_child as child; child.CPU_SECONDS = 1; child.limit_process(); "
    child = subprocess.run(
        [sys.executable, "-I", "-c", f"{at_once}\nwhile True: pass"], capture_output=True, check=False
    )

    (found,) = inspection._outcome(child, "upload.mp3").findings
    assert found.detail == {"limit": "processor time"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "inspection_limit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "inspection_limit"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "inspection_failed"),
        ("raise SystemExit(3)", "inspection_failed"),
        ("print('no report')", "inspection_failed"),
        ("print('[]')", "inspection_failed"),
        ('print(\'{"findings": [{"code": "invented", "message": ""}]}\')', "inspection_failed"),
        ("pass", "inspection_failed"),
    ],
)
def test_however_the_child_ends_the_answer_is_a_finding(code: str, expected: str) -> None:
    assert codes(inspection._outcome(limited(code), "upload.mp3")) == [expected]


def test_the_child_gets_none_of_the_servers_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/nonexistent")
    monkeypatch.setenv("PYTHONHOME", "/nonexistent")  # would keep Python from starting
    path = tmp_path / "track.mp3"
    path.write_bytes(material.tagged())

    assert inspect(path).accepted


def test_a_report_survives_the_way_from_the_child(tmp_path: Path) -> None:
    path = tmp_path / "track.mp3"
    path.write_bytes(material.tagged())
    child = subprocess.run(
        [sys.executable, "-I", "-m", "media_mp3.inspect_child", str(path)], capture_output=True, check=True
    )

    report = read_report(child.stdout)

    assert list(report.peaks) == json.loads(child.stdout)["peaks"]
    assert report.tags.title == material.PIECE.title
