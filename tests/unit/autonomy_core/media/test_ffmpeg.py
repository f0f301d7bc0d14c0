"""Which ffmpeg makes the files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from autonomy_core.media import ffmpeg


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Find ffmpeg on a machine whose own programs are in a directory."""
    monkeypatch.setattr(ffmpeg, "SYSTEM_PATH", str(tmp_path))
    return ffmpeg.find_ffmpeg.__wrapped__


def test_the_systems_ffmpeg_comes_first(find, tmp_path: Path) -> None:
    program = tmp_path / "ffmpeg"
    program.touch(mode=0o755)
    assert find() == program


def test_without_it_the_optional_package_is_used(find) -> None:
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        pytest.skip("imageio-ffmpeg is not installed")
    assert find().parent.parent.name == "imageio_ffmpeg"


def test_without_both_there_is_none(find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find() is None


@pytest.mark.processes
def test_time_by_the_clock_is_limited() -> None:
    endless = ["-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"]
    with pytest.raises(ffmpeg.FfmpegLimitReached, match="time"):
        ffmpeg.run_ffmpeg(endless, ffmpeg.FfmpegLimits(wall_s=0.5))
