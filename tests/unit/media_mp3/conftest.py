from __future__ import annotations

from pathlib import Path

import pytest

from media_mp3.domain import TrackReport
from media_mp3.inspection.reports import inspect
from tests.unit.media_mp3.inspecting import Inspect


@pytest.fixture
def inspected(tmp_path: Path) -> Inspect:
    """Inspect bytes as they would be inspected when uploaded: in the limited child process."""

    def run(content: bytes) -> TrackReport:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return inspect(path)

    return run
