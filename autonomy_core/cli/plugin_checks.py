"""What ``autonomy plugins check`` looks at. pluggy has checked the hooks' arguments when the plugin was loaded."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autonomy_core.cli.commands import COMMANDS
from autonomy_core.plugin_api import hookspecs
from autonomy_core.plugin_api.hooks import PROJECT
from autonomy_core.plugin_api.manager import Plugins

if TYPE_CHECKING:
    from marshmallow import Schema

HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith(("register_", "on_")))


def problems_of(plugins: Plugins, name: str) -> list[str]:
    """What is wrong with a plugin, a sentence each; empty if nothing is."""
    module = plugins.manager.get_plugin(name)
    assert isinstance(module, ModuleType)  # noqa: S101 - for the type checker: only modules are registered
    checks = (_hooks, _settings, _migrations, _names, _commands)
    return [problem for check in checks for problem in check(plugins, name, module)]


def _hooks(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    marked = 0
    for attribute, value in vars(module).items():
        if not inspect.isfunction(value) or value.__module__ != module.__name__:
            continue
        is_marked = hasattr(value, f"{PROJECT}_impl")
        marked += is_marked
        if attribute in HOOKS and not is_marked:
            yield f"{attribute}() has a hook's name and is not marked with @hookimpl: it is never called"
    if not marked:
        yield "it implements no hook"


def _settings(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    offered = _answer(plugins, name, "register_settings")
    if offered is None:
        return
    for what, schema in (("organisation", offered.organisation), ("server", offered.server)):
        if schema is not None:
            yield from _schema(what, schema)


def _schema(what: str, schema: type[Schema]) -> Iterator[str]:
    if schema().unknown != "raise":
        yield f"its {what} settings, {schema.__name__}, let unknown keys pass: a typing error would go unnoticed"
    for key, field in schema().fields.items():
        if not field.metadata.get("description"):
            yield f"its {what} setting {key} has no metadata={{'description': …}}"


def _migrations(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    migrations = _answer(plugins, name, "register_migrations")
    if migrations is None:
        return
    directory: Path = migrations.directory
    if migrations.component != name:
        yield f"its migrations call themselves {migrations.component!r}"
    if not (directory / "__init__.py").is_file():
        yield f"{directory} has no __init__.py: as no package, it would be missing from a wheel"
    elif len(migrations.script.get_heads()) > 1:
        yield f"{directory} has several newest revisions: {', '.join(migrations.script.get_heads())}"


def _names(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    for kind, hook in (("job", "register_jobs"), ("check", "register_checks"), ("flush", "register_flushes")):
        for each in _answer(plugins, name, hook) or ():
            if not each.name.startswith(f"{name}."):
                yield f"its {kind} {each.name!r} must be called {name}.…"


def _commands(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    for command in _answer(plugins, name, "register_commands") or ():
        if command.name in COMMANDS:
            yield f"its command {command.name!r} has the name of one of the core's, which comes first"


def _answer(plugins: Plugins, name: str, hook: str) -> Any:
    return next((answer for plugin, answer in plugins.registered(hook) if plugin == name), None)
