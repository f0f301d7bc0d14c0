"""Each test of the plugin contract fails for a plugin that breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.unit.autonomy_core.testing.toys import PLUGINS

pytestmark = pytest.mark.processes

CONTRACTS = """
from importlib import import_module

import pytest
from autonomy_core.db.migrations import core_migrations
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.contract import PluginContract

NAMES = {names}

@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({{"stand_ins": stand_ins, **{{name: import_module(name) for name in NAMES}}}})

class BesideTheCoreAlone(PluginContract):
    # Saves migrating all other plugins for each.
    def other_migrations(self, plugins):
        return [core_migrations()]

for name in NAMES:
    globals()["Test_" + name] = type("Test_" + name, (BesideTheCoreAlone,), {{"plugin": name}})
"""

STRICT = "test_what_its_calls_take_has_one_spelling"
ABSENT = "test_it_is_absent_where_it_is_disabled"
PRESENT = "test_it_is_there_where_it_is_enabled"
UNGATED = "test_it_registers_nothing_for_all_organisations"
TWICE = "test_its_completion_hook_is_idempotent"
CALLS = "test_its_hooks_call_no_server"
ISOLATED = "test_its_tables_show_one_organisation_only"
MIGRATIONS = "test_its_migrations_go_up_and_down_and_leave_others_alone"
MODELS = "test_its_models_are_what_its_migrations_make"
SETTINGS = "test_its_settings_are_described_and_strict"
JOBS = "test_its_jobs_bear_its_name"
IMPORTS = "test_it_imports_nothing_private"

STOP_THE_START = {"misnames_a_job", "unprefixed"}
"""No application or database can be made with these plugins, so every test that needs one fails."""


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """The failed tests of each plugin, with their messages. A separate process, because models are global."""
    directory = tmp_path_factory.mktemp("contracts")
    for name, files in PLUGINS.items():
        for path, text in files.items():
            (directory / name / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / name / path).write_text(text)
    together = sorted(PLUGINS.keys() - STOP_THE_START)
    (directory / "test_contracts.py").write_text(CONTRACTS.format(names=together))
    for name in STOP_THE_START:
        (directory / f"test_{name}.py").write_text(CONTRACTS.format(names=[name]))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=results.xml"]
    environment = {**os.environ, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    return read(directory / "results.xml")


def read(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {name: {} for name in PLUGINS}
    for case in ET.parse(path).iter("testcase"):
        for failure in (*case.findall("failure"), *case.findall("error")):
            plugin = case.attrib["classname"].rpartition("Test_")[2]
            found[plugin][case.attrib["name"]] = f"{failure.attrib['message']}\n{failure.text}"
    return found


def test_a_sound_plugin_passes(failures):
    assert failures["sound"] == {}


@pytest.mark.parametrize(
    ("plugin", "test", "says"),
    [
        ("hangs_for_all", ABSENT, "GET /without-it/api/v1/for_all answers 200"),
        ("hangs_for_all", UNGATED, "the child 'for_all' of ApiV1 is registered for another package"),
        ("hangs_for_all", UNGATED, "is registered for the package autonomy_core"),
        ("registers_for_all", UNGATED, "subscribers:"),
        ("registers_for_all", UNGATED, "tweens:"),
        ("registers_for_all", UNGATED, "routes:"),
        ("registers_for_all", UNGATED, "request extensions:"),
        ("unreachable", PRESENT, "Node is nowhere in the tree"),
        ("counts_twice", TWICE, "paid"),
        ("raises", TWICE, "ZeroDivisionError"),
        (
            "calls_out",
            CALLS,
            "plugin calls_out: a hook calls 127.0.0.1 at calls_out:6 while a transaction is open",
        ),
        ("unisolated", ISOLATED, "unisolated_rows: row-level security is not both enabled and forced"),
        ("shared", ISOLATED, "without organisation_id: ['shared_rows']"),
        ("unprefixed", MIGRATIONS, "unprefixed: it makes the table oddments; name it unprefixed_…"),
        ("leaves_things", MIGRATIONS, "left after the downgrade: ['leaves_things_behind']"),
        ("meddles", MIGRATIONS, "it changes other tables: ['products']"),
        ("lacks_a_revision", MODELS, "add column: lacks_a_revision_rows, extra"),
        ("lacks_a_revision", MODELS, "write it with: autonomy plugins revision lacks_a_revision"),
        ("reads_laxly", STRICT, "POST take: TakenSchema.title: it takes what cannot be seen"),
        ("reads_laxly", STRICT, "POST take: TakenSchema.ids: it takes several spellings of an id"),
        ("reads_laxly", STRICT, "PointSchema.x: it takes '1_0' and true"),
        ("unexplained", SETTINGS, "the key colour has no description"),
        ("unexplained", SETTINGS, "the key colour is neither required nor has it a default"),
        ("unexplained", SETTINGS, "an unknown key is not refused"),
        ("unexplained", SETTINGS, "the key retries: it takes '1_0' and '+1'; use NumberInText"),
        ("misnames_a_job", JOBS, "payments.mine"),
        ("misnames_a_job", ABSENT, "its job 'payments.mine' must be called misnames_a_job."),
        ("pries", IMPORTS, "pries/__init__.py:1: imports autonomy_core.db.database.Database"),
        ("pries", IMPORTS, "which is private to the core: import what autonomy_core.plugin_api lists"),
        ("pries", IMPORTS, "pries/__init__.py:2: imports sound, another plugin's"),
        ("pries", IMPORTS, "pries/__init__.py:6: imports media_mp3, another plugin's"),
        ("pries", IMPORTS, "pries/__init__.py:3: imports autonomy_core.web.gate.plain"),
        ("pries", IMPORTS, "pries/__init__.py:4: imports autonomy_core.plugin_api.operations.annotations"),
    ],
)
def test_a_plugin_that_breaks_the_contract_fails_with_the_reason(failures, plugin, test, says):
    assert says in failures[plugin][test]


def test_a_broken_plugin_fails_no_other_test(failures):
    expected = {
        "sound": set(),
        "hangs_for_all": {ABSENT, UNGATED},
        "registers_for_all": {UNGATED},
        "unreachable": {ABSENT, PRESENT},
        "counts_twice": {TWICE},
        "raises": {TWICE},
        "calls_out": {CALLS},
        "unisolated": {ISOLATED},
        "shared": {ISOLATED},
        "leaves_things": {MIGRATIONS},
        "meddles": {MIGRATIONS},
        "lacks_a_revision": {MODELS},
        "reads_laxly": {STRICT},
        "unexplained": {SETTINGS},
        "pries": {IMPORTS},
    }
    found = {plugin: set(failed) for plugin, failed in failures.items() if plugin not in STOP_THE_START}
    assert found == expected
