"""What ``autonomy plugins new`` writes, in the environment of a stranger."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def scaffold(stranger, build_wheel, tmp_path_factory):
    """A new plugin, written by the installed command, and installed."""
    directory = tmp_path_factory.mktemp("scaffold")
    autonomy = "import sys; from autonomy_core.cli import main; sys.argv[0] = 'autonomy'; main()"
    stranger.run("-c", autonomy, "plugins", "new", "gift_wrap", cwd=directory)
    stranger.install(build_wheel(directory / "gift_wrap", tmp_path_factory.mktemp("wheel")))
    return directory / "gift_wrap"


def test_its_tests_pass(stranger, scaffold):
    written = stranger.run("-m", "pytest", "-v", "-p", "no:cacheprovider", cwd=scaffold)
    assert "test_a_payment_is_noted PASSED" in written
    assert "test_its_migrations_go_up_and_down_and_leave_others_alone PASSED" in written
    assert "skipped" not in written


def test_it_is_in_good_style(scaffold):
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "B,E,F,I,UP,W"]
    done = subprocess.run([*command, "--line-length=110"], cwd=scaffold, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
