"""``autonomy plugins new``. tests/strangers runs the tests of what it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from autonomy_core.cli.plugins import plugins
from autonomy_core.plugin_api import API_VERSION

pytestmark = pytest.mark.processes

EXAMPLE = Path(__file__).parents[4] / "examples" / "bonus_track"


@pytest.fixture
def new(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda name: CliRunner().invoke(plugins, ["new", name])


def files_of(directory: Path, package: str) -> set[str]:
    modules = {path.relative_to(directory).as_posix() for path in (directory / package).glob("*.py")}
    return {path.replace(package, "NAME") for path in modules} | {
        path.name for path in directory.iterdir() if path.is_file() and path.name != "LICENSE"
    }


def test_the_new_plugin_has_the_files_of_every_plugin(new, tmp_path):
    assert new("gift_wrap").exit_code == 0
    assert files_of(tmp_path / "gift_wrap", "gift_wrap") == files_of(EXAMPLE, "bonus_track")
    assert (tmp_path / "gift_wrap" / "gift_wrap" / "migrations" / "__init__.py").is_file()


def test_the_new_plugin_needs_the_api_of_its_server(new, tmp_path):
    new("gift_wrap")
    written = (tmp_path / "gift_wrap" / "gift_wrap" / "plugin.py").read_text("utf-8")
    assert f"\nMINIMUM_API = {API_VERSION}\n" in written


def test_no_placeholder_of_the_template_is_left(new, tmp_path):
    new("gift_wrap")
    texts = [path.read_text("utf-8") for path in (tmp_path / "gift_wrap").rglob("*") if path.is_file()]
    assert [text for text in texts if "$" in text or "NAME" in text] == []


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("Gift", "lower-case"),
        ("gift-wrap", "lower-case"),
        ("../gift", "lower-case"),
        ("gift__wrap", "lower-case"),
        ("class", "a word of Python's own"),
        ("g" * 31, "at most 30"),
        ("customer_auth", "a plugin of this name is installed"),
        ("json", "a Python module of this name"),
        ("payment", "payment_hook_runs"),
        ("organisation", "uses the word for something else"),
        ("payments", "the core has"),
        ("idempotency", "idempotency_keys"),
        ("admin", "the core has"),
        ("products", "the core has"),
        ("health", "the core has"),
        ("catalog", "the core has"),
        ("jobs", "the core has"),
        ("plugins", "the core has"),
        ("match", "a word of Python's own"),
        ("autonomy_server", "a distribution of this name is installed"),
    ],
)
def test_a_name_that_would_cause_trouble_is_refused(new, tmp_path, name, because):
    refused = new(name)
    assert refused.exit_code == 2
    assert because in refused.output
    assert list(tmp_path.iterdir()) == []


def test_an_existing_directory_is_not_overwritten(new, tmp_path):
    (tmp_path / "gift").mkdir()
    refused = new("gift")
    assert refused.exit_code == 1
    assert "./gift exists already" in refused.output
    assert list((tmp_path / "gift").iterdir()) == []
