"""Checks of a plugin that need not run it: its imports, its use of private objects, and its settings."""

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

BEHIND_THE_SCOPE = {
    "runtime": "scope.begin(), scope.server and scope.server_settings() are what a plugin has",
    "transaction": "use scope.session, or begin a transaction with scope.begin()",
}
"""What is private behind a `TenantScope`, each with what to use instead."""

HOLDERS = {"scope": BEHIND_THE_SCOPE, "registry": ("runtime",), "request": ("runtime",), "cli": ("runtime",)}
"""Private attributes by the name of the variable: a scope, the registry, a request, a command's context."""

BEGINNINGS = {"begin", "other_organisation", "records", "scope", "scope_of", "transaction"}
"""The functions that return a scope, or begin a transaction with one."""


def package_of(plugins: Plugins, plugin: str) -> str:
    """Return the package of a plugin."""
    return next(package for package, name in plugins.packages.items() if name == plugin)


def foreign_imports(plugins: Plugins, plugin: str) -> list[str]:
    """Return the plugin's imports that are private to the core, or belong to another plugin.

    A file that Python cannot parse is a problem as well, because its imports are unknown. ``testing.py``, and
    files below a directory ``tests``, may import `autonomy_core.testing` as well.

    Returns:
        One sentence each: ``file:line``, the import, and the reason.
    """
    package = package_of(plugins, plugin)
    others = {*plugins.packages, *_installed()} - {package}
    found = []
    for name, parsed in _parsed_sources(plugins, plugin):
        if isinstance(parsed, SyntaxError):
            found.append(f"{name}:{parsed.lineno or 1}: it cannot be parsed: {parsed.msg}")
            continue
        for_tests = name.name == "testing.py" or "tests" in name.parts
        found += [
            f"{name}:{line}: imports {module}{reason}"
            for line, module in _imports(parsed)
            if (reason := _objection(module, others, for_tests=for_tests))
        ]
    return found


def private_reaches(plugins: Plugins, plugin: str) -> list[str]:
    """Reads of what is private behind a scope: ``file:line``, what, and what to use instead.

    A scope is recognised by its name, its annotation, and the call that returns it.
    """
    return [
        f"{name}:{line}: reads {text}, which is private to the core: {BEHIND_THE_SCOPE[private]}"
        for name, parsed in _parsed_sources(plugins, plugin)
        if isinstance(parsed, ast.Module)
        for line, text, private in _reaches(parsed)
    ]


def _reaches(tree: ast.Module) -> Iterator[tuple[int, str, str]]:
    holders = {**HOLDERS, **dict.fromkeys(_scopes_in(tree), BEHIND_THE_SCOPE)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            private = node.attr.removeprefix("_")
            read_from = BEHIND_THE_SCOPE if _begins(node.value) else holders.get(_last_name(node.value), ())
            if private in read_from:
                yield node.lineno, ast.unparse(node), private


def _last_name(node: ast.expr) -> str:
    """Of ``event.scope`` and of ``scope``: ``scope``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _scopes_in(tree: ast.Module) -> Iterator[str]:
    """The names of variables that are scopes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            if _is_scope(node.annotation):
                yield node.arg if isinstance(node, ast.arg) else _last_name(node.target)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None and _begins(node.context_expr):
            yield _last_name(node.optional_vars)
        elif isinstance(node, ast.Assign) and _begins(node.value):
            yield from map(_last_name, node.targets)


def _is_scope(annotation: ast.expr) -> bool:
    """Of ``TenantScope`` and of ``TenantScope | None``: True."""
    match annotation:
        case ast.Name(id="TenantScope"):
            return True
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _is_scope(left) or _is_scope(right)
    return False


def _begins(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BEGINNINGS
    )


def _sources(module: ModuleType, package: str) -> tuple[Path, list[Path]]:
    """Return a directory and the plugin's file names in it; none for a plugin that exists in memory only."""
    file = getattr(module, "__file__", None)
    if file is None or package.startswith("autonomy_core."):
        return Path(), []
    directory = Path(file).parent
    if not package:
        return directory, [Path(file).relative_to(directory)]
    return directory.parent, sorted(path.relative_to(directory.parent) for path in directory.rglob("*.py"))


def _installed() -> Iterator[str]:
    """Yield the packages of all installed plugins, including those that a test omits."""
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        yield entry_point.module.removesuffix(".plugin")


def _parsed_sources(plugins: Plugins, plugin: str) -> Iterator[tuple[Path, ast.Module | SyntaxError]]:
    above, names = _sources(plugins.modules[plugin], package_of(plugins, plugin))
    for name in names:
        try:
            yield name, ast.parse((above / name).read_bytes())
        except SyntaxError as error:
            yield name, error
        except (ValueError, RecursionError) as error:  # NUL bytes; expressions that are too deep
            yield name, SyntaxError(str(error))


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            # "from autonomy_core import plugin_api" names the module in the imported names.
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _objection(module: str, others: set[str], *, for_tests: bool) -> str | None:
    """Return why a plugin may not import something; None if it may."""

    def within(name: str) -> bool:
        return module == name or module.startswith(f"{name}.")

    if any(map(within, others)):
        return ", another plugin's: plugins meet in the core's hooks, grants and payments only"
    if not within("autonomy_core") or (for_tests and within(FOR_TESTS)) or _is_public(module):
        return None
    return f", which is private to the core: import what {PUBLIC} lists"


def _is_public(imported: str) -> bool:
    """Return whether a module or a name in a module is listed as public."""
    if imported == PUBLIC:
        return True
    if not imported.startswith(f"{PUBLIC}."):
        return False
    module, _, name = imported.removeprefix(f"{PUBLIC}.").partition(".")
    # Imported by name, because plugin_api is a layer above this package.
    public = importlib.import_module(PUBLIC).__all__
    if module not in public or not name:
        return module in public
    return name in getattr(importlib.import_module(f"{PUBLIC}.{module}"), "__all__", (name,))


def settings_problems(schema: type[Schema] | None, settings: Mapping[str, str]) -> list[str]:
    """Check the schema of a settings section; return one sentence for each problem.

    Args:
        schema: the schema; None for a plugin without settings.
        settings: a section that the schema should accept, as text.
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
        f"{name} is required, but its absence is not reported"
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
