"""The public API of plugins is listed, documented and typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path

import pytest

from autonomy_core import plugin_api

ROOT = Path(__file__).parents[4]
PUBLIC = [name for name in plugin_api.__all__ if name != "API_VERSION"]


def module(name):
    return importlib.import_module(f"autonomy_core.plugin_api.{name}")


def names_of(name):
    found = module(name)
    hooks = [each for each in vars(found) if each.startswith(("register_", "on_"))]
    return hooks if name == "hookspecs" else found.__all__


EVERY = [(name, each) for name in PUBLIC for each in names_of(name)]


def test_every_module_of_the_package_is_public():
    assert {found.name for found in pkgutil.iter_modules(plugin_api.__path__)} == {*PUBLIC}


def test_the_docstring_lists_every_public_module():
    table = plugin_api.__doc__.split("====\n")[2]
    rows = (line.split("  ")[0] for line in table.splitlines())
    assert sorted(name for row in rows for name in re.findall(r"``(\w+)``", row)) == sorted(PUBLIC)


def test_a_public_name_means_one_thing_in_all_modules():
    meanings = {}
    for name, each in EVERY:
        meanings.setdefault(each, {})[id(getattr(module(name), each))] = name
    assert {each: [*found.values()] for each, found in meanings.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("name", "each"), EVERY, ids=map(".".join, EVERY))
def test_every_public_name_is_documented(name, each):
    found = getattr(module(name), each)
    # The default docstring of a dataclass is its signature.
    own = isinstance(found, type) or inspect.isroutine(found) or inspect.ismodule(found)
    written = own and found.__doc__ and not found.__doc__.startswith(f"{each}(")
    assert written or documented_by_its_source(f"autonomy_core.plugin_api.{name}", each)


@pytest.mark.parametrize(("name", "each"), EVERY, ids=map(".".join, EVERY))
def test_every_public_function_is_fully_annotated(name, each):
    found = getattr(module(name), each)
    for function in functions_of(found):
        signature = inspect.signature(function)
        untyped = [
            parameter.name
            for parameter in signature.parameters.values()
            if parameter.annotation is parameter.empty and parameter.name not in {"self", "cls"}
        ]
        assert not untyped, function.__qualname__
        assert signature.return_annotation is not signature.empty, function.__qualname__


def functions_of(found):
    """A function of the project, or the public methods that a class of the project defines."""
    if not getattr(found, "__module__", "").startswith("autonomy_core"):
        return []
    own = (
        [value for key, value in vars(found).items() if key[0] != "_"] if isinstance(found, type) else [found]
    )
    plain = (getattr(each, "fget", None) or getattr(each, "__func__", each) for each in own)
    return [each for each in plain if inspect.isfunction(each)]


def documented_by_its_source(module_name, each):
    """Whether a docstring follows the assignment of a constant in its module."""
    statements = parsed(module_name)
    for node, following in zip(statements, [*statements[1:], None], strict=True):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if each == (alias.asname or alias.name):
                    is_ours = node.module.startswith("autonomy_core")
                    return not is_ours or documented_by_its_source(node.module, alias.name)
        elif each in assigned(node):
            return isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
    return False


@cache
def parsed(module_name):
    return ast.parse(Path(importlib.import_module(module_name).__file__).read_text()).body


def assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def test_our_own_plugins_use_public_names_only():
    sources = [
        *(ROOT / "plugins").rglob("*.py"),
        *(ROOT / "examples").rglob("*.py"),
        *(ROOT / "autonomy_core" / "cli" / "plugin_template").rglob("*.py.txt"),
    ]
    foreign = {
        f"{path.relative_to(ROOT)}: {found[1]}.{each}"
        for path in sources
        for found in re.finditer(
            r"from autonomy_core\.plugin_api\.(\w+) import (?:\(([^)]*)\)|(.*))", path.read_text()
        )
        for each in re.findall(r"\w+", re.sub(r"#.*| as \w+", "", found[2] or found[3]))
        if found[1] not in PUBLIC or each not in names_of(found[1])
    }
    assert not foreign
