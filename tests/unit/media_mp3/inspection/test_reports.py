"""Every end of an inspection gives a report. The tests of `files` test the limited child process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autonomy_core.plugin_api.files import ChildFailed, LimitReached, Limits, run_limited
from media_mp3.domain import TrackReport
from media_mp3.inspection import reports
from media_mp3.inspection.child import inspect_file
from media_mp3.inspection.reports import LIMITS, inspect, read_report
from tests.unit.media_mp3 import material

pytestmark = pytest.mark.processes


def codes(report: TrackReport) -> list[str]:
    return [finding.code for finding in report.findings]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "track.mp3"
    path.write_bytes(material.tagged())
    return path


def test_an_inspection_that_takes_too_long_is_given_up(path: Path) -> None:
    (found,) = inspect(path, limits=Limits(wall_s=0.001)).findings

    assert (found.code, found.detail) == ("inspection_limit", {"limit": "time"})


def test_a_file_that_is_gone_is_a_finding_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    report = inspect(tmp_path / "gone.mp3")

    assert codes(report) == ["inspection_failed"]
    assert "The inspection of gone.mp3 ended with 1: FileNotFoundError" in caplog.text


def test_the_limits_are_those_that_the_guide_names() -> None:
    assert (LIMITS.wall_s, LIMITS.cpu_s, LIMITS.memory_bytes) == (90, 60, 400 * 1024 * 1024)


def test_a_recording_takes_little_of_its_limits(path: Path) -> None:
    """The modules that the child loads count as well."""
    assert inspect(path, limits=Limits(cpu_s=5, memory_bytes=200 * 1024 * 1024)).accepted


def test_an_inspection_imports_neither_database_nor_web_framework() -> None:
    program = (
        "import sys, media_mp3.inspection.child, media_mp3.masters.mp4;"
        "print([name for name in ('sqlalchemy', 'pyramid') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"


@pytest.mark.parametrize("limit", ["memory", "processor time", "time"])
def test_a_limit_that_was_reached_is_a_finding(
    path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    answer_with(monkeypatch, LimitReached(limit))  # type: ignore[arg-type]

    (found,) = inspect(path).findings

    assert (found.code, found.detail) == ("inspection_limit", {"limit": limit})


@pytest.mark.parametrize(
    "answer",
    [ChildFailed("ended with -11: no message"), [], {}, "no report", None,
     {"findings": [{"code": "invented", "message": ""}]},
     {"findings": [{"code": "invented", "detail": {}}], "warnings": [], "facts": None, "tags": {},
      "peaks": []}],
    ids=["crash", "list", "empty", "text", "null", "malformed", "unknown"],
)  # fmt: skip
def test_another_answer_of_the_child_is_a_finding(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    answer_with(monkeypatch, answer)

    assert codes(inspect(path)) == ["inspection_failed"]


def answer_with(monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    """Let the child answer with something, or end with an exception."""

    def run(*_: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(reports, "run_limited", run)


def test_a_report_is_transferred_unchanged_from_the_child_process(path: Path) -> None:
    document = run_limited("media_mp3.inspection.child:inspect_file", path, LIMITS)

    report = read_report(document)

    assert document == json.loads(json.dumps(inspect_file(path)))
    assert list(report.peaks) == document["peaks"]
    assert report.tags.title == material.PIECE.title
