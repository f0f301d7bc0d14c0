"""Builds the application with the installed plugins, to find what would prevent a server's start."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

from pyramid.exceptions import ConfigurationError

from autonomy_core.app import configure
from autonomy_core.cli.registrations import ungated
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.runtime import make_runtime
from autonomy_core.settings_schema import SettingsError

NO_DATABASE = {"sqlalchemy.url": "postgresql:///nowhere"}
"""No connection is opened, and no account is looked for that could run the embedded server."""


def problems_of_building(plugins: Plugins, raw_settings: Mapping[str, Any]) -> dict[str, list[str]]:
    """Find what would prevent a start, or bypass the organisations' plugin lists, by plugin.

    Each plugin is tested alone first, then all together.

    Args:
        plugins: the installed plugins.
        raw_settings: the keys of the server's ini file; empty if there is none.

    Returns:
        The problems by plugin, one sentence each.
    """
    found: dict[str, list[str]] = {name: [] for name in plugins.names}
    buildable = []
    for name in plugins.names:
        problem = _build(plugins.only(name), raw_settings, look=partial(_look_for_ungated, name, found[name]))
        if problem is None:
            buildable.append(name)
        else:
            found[name].append(problem.removeprefix(f"plugin {name}: "))
    problem = _build(plugins.only(*buildable), raw_settings) if len(buildable) > 1 else None
    if problem is not None:
        for name in [name for name in buildable if re.search(rf"\bplugin {re.escape(name)}\b", problem)]:
            found[name].append(problem.removeprefix(f"plugin {name}: "))
    return found


def _look_for_ungated(name: str, found: list[str], runtime: Runtime) -> None:
    found += ungated(runtime, name)


def _build(
    plugins: Plugins, raw_settings: Mapping[str, Any], look: Callable[[Runtime], object] | None = None
) -> str | None:
    """Return why an application cannot be built with these plugins; None if it can.

    No database and no organisations are needed.

    Args:
        plugins: the plugins.
        raw_settings: the keys of the server's ini file; empty if there is none.
        look: called with the runtime of a successful build.
    """
    with TemporaryDirectory() as directory:
        prefixes = tuple(f"{name}." for name in plugins.names)
        settings = {
            key: value for key, value in raw_settings.items() if prefixes and key.startswith(prefixes)
        }
        settings |= {"autonomy.tenants": directory, "autonomy.data": directory, **NO_DATABASE}
        try:
            runtime = make_runtime(settings, plugins)
        except SettingsError as error:
            # Missing settings are no problem of the plugin if there is no ini file.
            return str(error) if raw_settings else None
        except PluginError as error:
            return str(error)
        try:
            configure(runtime)
            if look is not None:
                look(runtime)
        except (PluginError, ConfigurationError) as error:
            return str(error)
        finally:
            runtime.close()
    return None


def core_names() -> set[str]:
    """Return the names of the core's resources and views, and of the owners of its jobs."""
    with TemporaryDirectory() as directory:
        settings = {"autonomy.tenants": directory, "autonomy.data": directory, **NO_DATABASE}
        runtime = make_runtime(settings, Plugins({}))
        registry = configure(runtime).registry
        runtime.close()
    nodes = {name for named in registry.children.values() for name in named}
    views = {operation.name for operation in registry.operations}
    return nodes | views | {job.owner for job in runtime.jobs}
