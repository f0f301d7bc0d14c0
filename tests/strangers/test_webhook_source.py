"""The webhook source that the guide quotes, in the environment of a third-party author."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

QUOTED = Path(__file__).parents[1] / "functional" / "webhooks" / "postpay_events.py"


def test_the_quoted_source_passes_mypy_strict(stranger, tmp_path):
    shutil.copy(QUOTED, tmp_path / "plugin.py")
    assert stranger.check_types("plugin.py", cwd=tmp_path) == "Success: no issues found in 1 source file\n"
