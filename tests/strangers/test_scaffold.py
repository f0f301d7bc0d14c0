"""The output of ``autonomy plugins new``, in an environment of a third-party author."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes

MISTAKES = Path(__file__).with_name("mistakes.py")
"""A module of a plugin's; lines that end with ``# wrong`` have a mistake."""


def autonomy(stranger):
    """The installed command."""
    return stranger.python.with_name("autonomy")


@pytest.fixture(scope="module")
def scaffold(stranger, build_wheel, tmp_path_factory):
    """A new plugin, written by the installed command, and installed."""
    directory = tmp_path_factory.mktemp("scaffold")
    stranger.run(autonomy(stranger), "plugins", "new", "gift_wrap", cwd=directory)
    stranger.install(build_wheel(directory / "gift_wrap", tmp_path_factory.mktemp("wheel")))
    return directory / "gift_wrap"


def test_the_tests_of_the_scaffold_pass(stranger, scaffold):
    written = stranger.run("-m", "pytest", "-v", "-p", "no:cacheprovider", cwd=scaffold)
    assert "test_a_payment_is_noted PASSED" in written
    assert "test_its_migrations_go_up_and_down_and_leave_others_alone PASSED" in written
    skipped = [line for line in written.splitlines() if " SKIPPED" in line]
    assert ["test_its_provider_waits_for_no_lock" in line for line in skipped] == [True]


def test_the_scaffold_passes_ruff(scaffold):
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "B,E,F,I,UP,W"]
    done = subprocess.run([*command, "--line-length=110"], cwd=scaffold, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_scaffold_passes_mypy_strict(stranger, scaffold):
    assert stranger.check_types(cwd=scaffold) == "Success: no issues found in 14 source files\n"


def test_mistakes_in_views_and_jobs_are_type_errors(stranger, scaffold):
    written = stranger.check_types(str(MISTAKES), cwd=scaffold)
    reported = [line for line in written.splitlines() if ": error: " in line]
    marked = [
        number for number, line in enumerate(MISTAKES.read_text().splitlines(), 1) if line.endswith("# wrong")
    ]
    assert len(marked) == 12
    assert [re.search(r"mistakes\.py:(\d+): error: ", line)[1] for line in reported] == list(map(str, marked))


def test_a_changed_model_gets_its_migration(stranger, scaffold):
    command = (autonomy(stranger), "plugins", "revision", "gift_wrap", "Signature")
    assert "nothing was written" in stranger.run(*command, cwd=scaffold)
    models = stranger.packages / "gift_wrap" / "models.py"
    models.write_text(
        models.read_text().replace("    text: ", "    signature: Mapped[str | None]\n    text: ")
    )
    assert "0002_signature.py" in stranger.run(*command, cwd=scaffold)
    select = ("-k", "models_are_what_its_migrations_make or up_and_down")
    assert "2 passed" in stranger.run("-m", "pytest", "-p", "no:cacheprovider", *select, cwd=scaffold)
