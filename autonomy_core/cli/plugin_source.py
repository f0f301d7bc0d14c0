"""What can be checked about a plugin without running it: its imports and its settings."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from marshmallow import Schema, ValidationError

from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP
from autonomy_core.kernel.manager import Plugins
from autonomy_core.web.input_fields import problems_of_settings

PUBLIC = "autonomy_core.plugin_api"
FOR_TESTS = "autonomy_core.testing"


def package_of(plugins: Plugins, plugin: str) -> str:
    """The package of a plugin."""
    return next(package for package, name in plugins.packages.items() if name == plugin)


def foreign_imports(plugins: Plugins, plugin: str) -> list[str]:
    """Imports of what is not public, or another plugin's: ``file:line``, what, and why not.

    ``testing.py``, and files below a directory ``tests``, may import `autonomy_core.testing` as well.
    """
    package = package_of(plugins, plugin)
    others = {*plugins.packages, *_installed()} - {package}
    above, names = _sources(plugins.modules[plugin], package)
    return [
        f"{name}:{line}: imports {module}{reason}"
        for name in names
        for line, module in _imports(above / name)
        if (
            reason := _objection(module, others, for_tests=name.name == "testing.py" or "tests" in name.parts)
        )
    ]


def _sources(module: ModuleType, package: str) -> tuple[Path, list[Path]]:
    """A directory, and the names of a plugin's files in it; none of one that a test makes in memory, or of the stand-ins."""
    file = getattr(module, "__file__", None)
    if file is None or package.startswith("autonomy_core."):
        return Path(), []
    directory = Path(file).parent
    if not package:
        return directory, [Path(file).relative_to(directory)]
    return directory.parent, sorted(path.relative_to(directory.parent) for path in directory.rglob("*.py"))


def _installed() -> Iterator[str]:
    """The packages of the installed plugins, also of those that a test leaves out."""
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        yield entry_point.module.removesuffix(".plugin")


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            # "from autonomy_core import plugin_api" names the module in what it imports.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _objection(module: str, others: set[str], *, for_tests: bool) -> str | None:
    """Why a plugin may not import something; None if it may."""

    def within(name: str) -> bool:
        return module == name or module.startswith(f"{name}.")

    if any(map(within, others)):
        return ", another plugin's: plugins meet in the core's hooks, grants and payments only"
    if not within("autonomy_core") or (for_tests and within(FOR_TESTS)) or _is_public(module):
        return None
    return f", which is private to the core: import what {PUBLIC} lists"


def _is_public(imported: str) -> bool:
    """Whether something is listed, be it a module or a name of one."""
    if imported == PUBLIC:
        return True
    if not imported.startswith(f"{PUBLIC}."):
        return False
    module, _, name = imported.removeprefix(f"{PUBLIC}.").partition(".")
    # By name: what is judged by is above this package.
    public = importlib.import_module(PUBLIC).__all__
    if module not in public or not name:
        return module in public
    return name in getattr(importlib.import_module(f"{PUBLIC}.{module}"), "__all__", (name,))


def settings_problems(schema: type[Schema] | None, settings: Mapping[str, str]) -> list[str]:
    """What is wrong with the schema of a settings section, a sentence each.

    Args:
        schema: the schema, None for a plugin that takes no settings.
        settings: a section that the schema should take, as text.
    """
    if schema is None:
        return [f"the plugin takes no settings, but was given {', '.join(settings)}"] if settings else []
    fields = schema().load_fields
    names = {field.data_key or name: field for name, field in fields.items()}
    problems = [*problems_of_settings(schema)]
    refused = _messages(schema, settings)
    problems += [f"the settings of the contract are refused: {key}: {text}" for key, text in refused.items()]
    if "surely_unknown" not in _messages(schema, {**settings, "surely_unknown": "x"}):
        problems.append("an unknown key is not refused: derive the schema from SettingsSchema")
    required = {name for name, field in names.items() if field.required}
    without = {name: {key: value for key, value in settings.items() if key != name} for name in required}
    problems += [
        f"{name} is required, but is not missed"
        for name in required
        if name not in _messages(schema, without[name])
    ]
    return problems


def _messages(schema: type[Schema], values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        schema().load(values)
    except ValidationError as error:
        return error.messages_dict
    return {}
