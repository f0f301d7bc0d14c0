"""The guide for plugin authors agrees with the code."""

from __future__ import annotations

import re
from inspect import isfunction
from pathlib import Path

import pytest

from autonomy_core.plugin_api import hookspecs
from autonomy_core.plugin_api.protocols import PaymentFinder, PaymentProvider
from autonomy_core.plugin_api.webhooks import WebhookSource
from autonomy_core.testing import plugin as fixtures
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.contract import PluginContract
from autonomy_core.testing.provider_contract import ProviderContract

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "plugin-authors.md"
TEXT = GUIDE.read_text("utf-8")
BLOCK = re.compile(r"(?:<!-- (?P<source>\S+) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(TEXT)]


def table_of(heading: str) -> set[str]:
    """The names in the first column of the table that begins with a heading."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0]
    cells = (line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    return {name for cell in cells for name in re.findall(r"`(\w+)", cell)}


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block["source"]], ids=lambda block: block["source"]
)
def test_the_quoted_code_is_in_the_example(block):
    assert block["code"] in (ROOT / block["source"]).read_text("utf-8")


@pytest.mark.parametrize("block", [block for block in BLOCKS if not block["source"]])
def test_the_code_that_is_not_quoted_runs(block):
    names: dict[str, object] = {}
    exec(block["code"], names)
    registered = [each for name, hook in names.items() if name.startswith("register_") for each in hook()]
    assert [each.name.partition(".")[0] for each in registered] == ["bonus_track"]


def test_every_hook_is_in_its_table():
    hooks = {name for name in vars(hookspecs) if name.startswith(("register_", "on_"))}
    assert table_of("hook") == hooks


def test_every_test_of_the_contract_is_in_its_table():
    assert table_of("the contract") == {name for name in dir(PluginContract) if name.startswith("test_")}


def test_every_test_of_the_provider_s_contract_is_in_its_table():
    found = {name for name in dir(ProviderContract) if name.startswith("test_")}
    assert table_of("the provider's contract") == found


def test_every_method_of_a_payment_provider_is_in_its_table():
    methods = {**vars(PaymentProvider), **vars(PaymentFinder)}
    found = {name for name, value in methods.items() if isfunction(value) and name[0] != "_"}
    assert table_of("method") == found


def test_every_method_of_a_webhook_source_is_in_its_table():
    found = {name for name, value in vars(WebhookSource).items() if isfunction(value) and name[0] != "_"}
    assert table_of("method of a source") == found


def test_every_fixture_and_helper_that_it_names_exists():
    assert {name for name in table_of("fixture") if not hasattr(fixtures, name)} == set()
    helpers = {*vars(Autonomy), *Autonomy.__dataclass_fields__}
    assert table_of("`autonomy.`") - helpers == set()


def test_the_files_of_the_booklet_have_the_names_in_their_table():
    rows = re.findall(r"^\| \[`\w+\.py`\]\(\.\./(examples/pdf_booklet/\S+)\) \|(.*)\|$", TEXT, re.MULTILINE)
    assert len(rows) == 8
    for path, names in rows:
        text = (ROOT / path).read_text("utf-8")
        assert [name for name in re.findall(r"`(\w+)", names) if name not in text] == []


def test_the_links_of_the_guide_are_valid():
    links = [link for link in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in link]
    assert [link for link in links if not (GUIDE.parent / link).exists()] == []
    assert links
