"""A stranger's plugins, installed from their wheels beside the core's: one serves files, one has no table.

`test_bonus_track` has the third example. These two share an environment.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

import pytest

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TEMPLATE = ROOT / "autonomy_core" / "cli" / "plugin_template"

MODULES = {"pdf_booklet": 16, "welcome_gift": 7}
"""How many modules mypy checks, by the example."""
PASSED = {
    "pdf_booklet": (
        "test_a_file_that_is_too_large_is_refused",
        "test_a_part_is_sent_to_who_asks_for_a_part",
        "test_a_signed_link_opens_it_without_a_header",
        "test_an_unreferenced_file_is_removed_after_the_delay",
        "test_its_tables_show_one_organisation_only",
    ),
    "welcome_gift": (
        "test_a_verified_customer_is_given_the_product_and_a_mail",
        "test_the_mail_is_in_the_language_of_the_customer",
        "test_a_missing_product_delays_the_gift_and_no_proof",
        "test_its_hooks_call_no_server",
    ),
}
"""Tests of each example that must not be skipped."""


@pytest.fixture(scope="module", params=sorted(MODULES))
def example(request, stranger, build_wheel, tmp_path_factory):
    """The name of an example that is installed."""
    stranger.install(build_wheel(EXAMPLES / request.param, tmp_path_factory.mktemp(request.param)))
    return request.param


def test_its_types_are_right_to_the_strictest_of_mypy(stranger, example, tmp_path):
    shutil.copytree(EXAMPLES / example, tmp_path / example)
    written = stranger.check_types(cwd=tmp_path / example)
    assert written == f"Success: no issues found in {MODULES[example]} source files\n"


def test_it_is_set_up_as_a_new_plugin_is(example):
    new = Template((TEMPLATE / "pyproject.toml.txt").read_text()).substitute(name=example)
    assert (EXAMPLES / example / "pyproject.toml").read_text() == new


def test_its_own_tests_pass(stranger, example, tmp_path):
    shutil.copytree(EXAMPLES / example / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLES / example / "pyproject.toml", tmp_path)
    written = stranger.run("-m", "pytest", "-v", "-p", "no:cacheprovider", cwd=tmp_path)
    for name in PASSED[example]:
        assert f"{name} PASSED" in written
