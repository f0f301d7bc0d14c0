"""The checks of ``autonomy plugins check``.

No check repeats what pluggy does: it validates the arguments of hooks when it loads a plugin.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autonomy_core.cli.commands import COMMANDS
from autonomy_core.cli.plugin_source import foreign_imports, private_reaches
from autonomy_core.db.compatibility import oldest_code
from autonomy_core.db.ownership import problems_of_models, tables_of_models
from autonomy_core.kernel.hooks import PROJECT
from autonomy_core.kernel.manager import HOOKS, PluginError, Plugins
from autonomy_core.tenancy.validation import did_you_mean
from autonomy_core.web.input_fields import problems_of_settings

if TYPE_CHECKING:
    from click import Command
    from marshmallow import Schema

    from autonomy_core.db.components import Migrations

    Check = Callable[[Plugins, str, ModuleType], Iterator[str]]


def problems_of(plugins: Plugins, name: str) -> list[str]:
    """Return the problems of a plugin, one sentence each."""
    module = plugins.manager.get_plugin(name)
    assert isinstance(module, ModuleType)  # noqa: S101 - for the type checker: only modules are registered
    checks = (_hooks, _settings, _migrations, _names, _commands, _tables, _imports)
    return [problem for check in checks for problem in _run_check(check, plugins, name, module)]


def _run_check(check: Check, plugins: Plugins, name: str, module: ModuleType) -> list[str]:
    try:
        return list(check(plugins, name, module))
    except PluginError as error:
        return [str(error).removeprefix(f"plugin {name}: ")]


def _hooks(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    marked = 0
    for attribute, value in vars(module).items():
        if not inspect.isfunction(value) or value.__module__ != module.__name__:
            continue
        is_marked = hasattr(value, f"{PROJECT}_impl")
        marked += is_marked
        if attribute in HOOKS and not is_marked:
            yield f"{attribute}() has a hook's name and is not marked with @hookimpl: it is never called"
        elif not is_marked and get_close_matches(attribute, HOOKS):
            guess = did_you_mean(attribute, HOOKS)
            yield f"{attribute}() looks like a hook, but no hook has this name: {guess}"
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
        yield f"its {what} settings, {schema.__name__}, accept unknown keys: a typing error is not detected"
    for problem in problems_of_settings(schema):
        yield f"its {what} settings, {schema.__name__}: {problem}"


def _migrations(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    migrations = _answer(plugins, name, "register_migrations")
    tables = tables_of_models(name, plugins.of_package)
    if migrations is None:
        if tables:
            yield (
                f"its models define {', '.join(tables)}, and no migration creates them: implement "
                f'register_migrations, and run: autonomy plugins revision {name} "First tables"'
            )
        return
    directory: Path = migrations.directory
    if migrations.component != name:
        yield f"its migrations call themselves {migrations.component!r}"
    if not (directory / "__init__.py").is_file():
        yield f"{directory} has no __init__.py: a wheel contains packages only"
    else:
        yield from _problems_of_history(migrations)
    yield from _without_migration(name, directory, tables)


def _problems_of_history(migrations: Migrations) -> Iterator[str]:
    try:
        heads = [revision.revision for revision in migrations.script.get_revisions("heads") if revision]
        for head in heads:
            oldest_code(migrations.script, head)
    except Exception as error:  # noqa: BLE001 - importing a revision may raise anything
        yield f"{migrations.directory} cannot be read: {type(error).__name__}: {error}"
        return
    if len(heads) > 1:
        yield f"{migrations.directory} has several newest revisions: {', '.join(heads)}"


def _without_migration(name: str, directory: Path, tables: Sequence[str]) -> Iterator[str]:
    """Tables that no revision names. Differences of columns need a database: the contract finds them."""
    files = (path for path in directory.rglob("*") if path.suffix in (".py", ".sql"))
    written = "\n".join(path.read_text("utf-8", "replace") for path in files)
    for table in tables:
        if not re.search(rf"\b{re.escape(table)}\b", written):
            yield (
                f"its models define {table}, and no migration names it; run: "
                f'autonomy plugins revision {name} "What has changed"'
            )


def _names(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    hooks = {"job": "register_jobs", "check": "register_checks", "flush": "register_flushes"}
    for kind, hook in hooks.items():
        for each in _answer(plugins, name, hook) or ():
            if not each.name.startswith(f"{name}."):
                yield f"its {kind} {each.name!r} must be called {name}.…"


def _commands(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    for command in _answer(plugins, name, "register_commands") or ():
        if command.name in COMMANDS:
            yield f"its command {command.name!r} has the name of one of the core's, which takes precedence"
        for other in plugins.names:
            if other != name and command.name in {one.name for one in _commands_of(plugins, other)}:
                yield f"its command {command.name!r} has the name of one of plugin {other}'s"


def _commands_of(plugins: Plugins, name: str) -> Sequence[Command]:
    try:
        return _answer(plugins, name, "register_commands") or ()
    except PluginError:
        return ()


def _tables(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    yield from problems_of_models(name, plugins.of_package)


def _imports(plugins: Plugins, name: str, module: ModuleType) -> Iterator[str]:
    yield from foreign_imports(plugins, name)
    yield from private_reaches(plugins, name)


def _answer(plugins: Plugins, name: str, hook: str) -> Any:
    return dict(plugins.only(name).registered(hook)).get(name)
