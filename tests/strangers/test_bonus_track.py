"""A third-party plugin, installed from its wheel beside the core's."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from string import Template

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "bonus_track"

WHERE = """
import autonomy_core, bonus_track, media_mp3
from importlib.metadata import entry_points
for module in (autonomy_core, bonus_track, media_mp3):
    print(module.__file__)
print(*sorted(entry_points(group="autonomy.plugins").names))
"""


TEMPLATE = ROOT / "autonomy_core" / "cli" / "plugin_template"


@pytest.fixture(scope="module")
def with_bonus_track(stranger, build_wheel, tmp_path_factory):
    stranger.install(build_wheel(EXAMPLE, tmp_path_factory.mktemp("bonus_track")))
    return stranger


def test_the_wheel_has_every_file_of_every_package(core_wheel):
    installed = set(zipfile.ZipFile(core_wheel).namelist())
    sources = {
        path.relative_to(directory).as_posix()
        for directory, pattern in ((ROOT, "autonomy_core/**/*"), (ROOT / "plugins", "**/*"))
        for path in directory.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in str(path)
    }
    assert sorted(sources - installed) == []


def test_the_imported_modules_are_the_installed_ones(with_bonus_track, tmp_path):
    *files, names = with_bonus_track.run("-c", WHERE, cwd=tmp_path).splitlines()
    assert [file for file in files if not file.startswith(str(with_bonus_track.packages))] == []
    assert {"bonus_track", "customer_auth", "media_mp3", "stripe_payments"} <= set(names.split())


def test_the_plugin_passes_mypy_strict(with_bonus_track, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "bonus_track")
    written = with_bonus_track.check_types(cwd=tmp_path / "bonus_track")
    assert written == "Success: no issues found in 14 source files\n"


def test_the_plugin_is_set_up_like_a_new_one():
    new = Template((TEMPLATE / "pyproject.toml.txt").read_text()).substitute(name="bonus_track")
    assert (EXAMPLE / "pyproject.toml").read_text() == new
    assert "mypy" in (EXAMPLE / "setup.cfg").read_text()


def test_the_plugin_works_only_where_it_is_enabled(with_bonus_track, tmp_path):
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "pyproject.toml", tmp_path)
    written = with_bonus_track.run("-m", "pytest", "-v", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "test_a_buyer_is_given_the_bonus_and_sees_it PASSED" in written
    assert "test_where_it_is_not_enabled_there_is_nothing_of_it PASSED" in written
    assert "test_it_is_absent_where_it_is_disabled PASSED" in written
    skipped = [line for line in written.splitlines() if " SKIPPED" in line]
    assert ["test_its_provider_waits_for_no_lock" in line for line in skipped] == [True]
