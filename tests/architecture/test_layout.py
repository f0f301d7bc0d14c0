"""The layout shows the architecture: these tests keep it so."""

import ast
import configparser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "autonomy_core"
PLUGINS = sorted(path for path in (ROOT / "plugins").iterdir() if (path / "plugin.py").exists())
EXAMPLES = sorted((ROOT / "examples").glob("*/src/*/plugin.py")) + sorted(
    (ROOT / "examples").glob("*/*/plugin.py")
)
STRANGERS = [path.parent for path in EXAMPLES]
LONGEST_FILE = 350
LONGEST_FUNCTION = 45


def sources(*roots):
    return [path for root in roots for path in sorted(root.rglob("*.py"))]


def imported(path):
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (
                {node.module}
                if node.module != "autonomy_core"
                else {f"autonomy_core.{a.name}" for a in node.names}
            )


def imports_in_functions(path):
    """Line numbers."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    bodies = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, functions)]
    inner = (node for body in bodies for node in ast.walk(body))
    return {node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)}


def packages(root, prefix):
    for init in sorted(root.rglob("__init__.py")):
        yield ".".join((prefix, *init.parent.relative_to(root).parts))


@pytest.mark.parametrize("plugin", [*PLUGINS, *STRANGERS], ids=lambda path: path.name)
def test_a_plugin_imports_from_the_core_only_what_is_public(plugin):
    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(plugin)
        for name in imported(path)
        if name.split(".")[0] == "autonomy_core"
        and not name.startswith("autonomy_core.plugin_api")
        and not (path.name == "testing.py" and name.startswith("autonomy_core.testing"))
    }
    assert not foreign


def test_few_imports_are_inside_functions():
    files = sources(CORE, ROOT / "plugins")
    inside = [f"{path.relative_to(ROOT)}:{line}" for path in files for line in imports_in_functions(path)]
    assert len(inside) <= len(files) * 5 / 100, sorted(inside)


@pytest.mark.parametrize("plugin", [*PLUGINS, *STRANGERS], ids=lambda path: path.name)
def test_every_plugin_has_the_same_shape(plugin):
    expected = {
        "__init__.py",
        "plugin.py",
        "settings.py",
        "domain.py",
        "models.py",
        "services.py",
        "schemas.py",
    }
    expected |= {"views.py", "migrations"}
    assert expected <= {path.name for path in plugin.iterdir()}


def test_only_plugin_py_knows_pluggy():
    knowing = {
        str(path.relative_to(ROOT))
        for path in sources(*PLUGINS, *STRANGERS)
        if any(name in {"pluggy", "autonomy_core.plugin_api.hooks"} for name in imported(path))
    }
    assert {Path(name).name for name in knowing} == {"plugin.py"}


def test_every_package_is_in_the_distribution():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    listed = set(setup["options"]["packages"].split())
    present = set(packages(CORE, "autonomy_core"))
    for package in sorted(path.parent for path in (ROOT / "plugins").glob("*/__init__.py")):
        present |= set(packages(package, package.name))
    assert listed == present


def test_files_and_functions_stay_readable():
    too_long = []
    for path in sources(CORE, ROOT / "plugins", ROOT / "demo"):
        text = path.read_text("utf-8")
        if text.count("\n") > LONGEST_FILE:
            too_long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if (
                    length > LONGEST_FUNCTION
                    and "versions" not in path.parts
                    and "migrations" not in path.parts
                ):
                    too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
    assert not too_long


def test_every_model_of_the_core_is_in_the_metadata():
    from autonomy_core import models

    declared = {
        node.name
        for path in sources(CORE)
        if path.name == "models.py" and path.parent.name != "db"
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    assert declared <= set(models.__all__)
