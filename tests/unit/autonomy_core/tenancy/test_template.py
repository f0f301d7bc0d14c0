from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autonomy_core.tenancy.domain import LoadedFile
from autonomy_core.tenancy.loader import PluginSchemas
from autonomy_core.tenancy.parser import parse
from autonomy_core.tenancy.template import new_tenant_ini


def test_every_key_is_explained_and_only_the_required_ones_are_live(schemas: PluginSchemas):
    text = new_tenant_ini("acme", "Acme Records", ["cards", "music"], schemas)
    ini = parse(Path("acme.ini"), text)
    assert ini.problems == []
    assert ini.sections["organisation"].values() == {
        "name": "Acme Records",
        "currency": "",
        "plugins": "cards music",
    }
    assert ini.sections["cards"].values() == {"environment": "", "test_secret_key": ""}
    assert "# The live key. Optional. A secret.\n# secret_key =\n" in text
    assert "# The seal. Required in live. A secret.\n# seal =\n" in text
    assert "# How often to try again. Optional.\n# retries = 2\n" in text
    assert "\n# refund_duplicates = no\n" in text
    assert "Optional. Several are separated by commas, spaces or new lines.\nplugins" in text.replace(
        "\n# ", " "
    )


def test_once_filled_in_it_is_in_order(load: Callable[..., LoadedFile], schemas: PluginSchemas):
    text = new_tenant_ini("acme", "Acme", ["cards", "music"], schemas, currency="eur")
    assert {problem.code for problem in load(text).problems} == {"missing_key"}
    filled = text.replace("environment =", "environment = test").replace(
        "test_secret_key =", "test_secret_key = sk_test_1"
    )
    assert load(filled).problems == ()


def test_the_optional_keys_are_valid_with_their_defaults(
    load: Callable[..., LoadedFile], schemas: PluginSchemas
):
    text = new_tenant_ini("acme", "Acme", ["cards"], schemas, currency="eur")
    filled = text.replace("environment =", "environment = test").replace(
        "\ntest_secret_key =", "\ntest_secret_key = sk_test_1"
    )
    assert load(filled.replace("# retries", "retries").replace("# hosts", "hosts")).problems == ()


def test_a_plugin_that_is_not_installed_has_no_template(schemas: PluginSchemas):
    with pytest.raises(KeyError):
        new_tenant_ini("acme", "Acme", ["missing"], schemas)
