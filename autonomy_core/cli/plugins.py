"""``autonomy plugins``: the installed plugins, the organisations that enabled them, and their problems."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from marshmallow import Schema

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.output import print_json, print_line, print_rows
from autonomy_core.cli.plugin_building import problems_of_building
from autonomy_core.cli.plugin_checks import problems_of
from autonomy_core.cli.plugins_new import new
from autonomy_core.cli.plugins_revision import revision
from autonomy_core.kernel.hooks import ENTRY_POINT_GROUP, PluginSettings
from autonomy_core.settings import load_settings, rules_of
from autonomy_core.tenancy.directory import load_directory

if TYPE_CHECKING:
    from autonomy_core.kernel.manager import Plugins


@click.group()
def plugins() -> None:
    """List and check the installed plugins."""


plugins.add_command(new)
plugins.add_command(revision)


@plugins.command("list")
@json_option
@pass_cli
def list_(cli: CliContext, *, as_json: bool) -> None:
    """List the plugins.

    If the server has an ini file, the organisations that enabled them are listed too.
    """
    sound, broken = cli.sound_plugins
    enabled_by = _enabled_by(cli, sound, broken) if cli.has_config else None
    rows: list[dict[str, Any]] = [
        {"plugin": name, **_distribution(name)}
        | ({} if enabled_by is None else {"enabled_by": enabled_by[name]})
        for name in sorted({*sound.names, *broken})
    ]
    print_rows(rows, as_json=as_json, nothing="no plugins are installed")
    for name, problem in broken.items():
        print_line(f"{name}: {problem}", err=True)
    if broken:
        raise click.exceptions.Exit(1)


@plugins.command()
@json_option
@pass_cli
def check(cli: CliContext, *, as_json: bool) -> None:
    """Report the problems of the plugins. Exit status 1 if a plugin has a problem or would prevent a start.

    The application is built as a server builds it, without a database.
    """
    sound, broken = cli.sound_plugins
    found = {name: [problem] for name, problem in broken.items()}
    found |= {name: problems_of(sound, name) for name in sound.names}
    for name, problems in problems_of_building(sound, cli.raw_settings if cli.has_config else {}).items():
        found[name] += [problem for problem in problems if problem not in found[name]]
    found = dict(sorted(found.items()))
    if as_json:
        print_json(found)
    else:
        for name, problems in found.items():
            click.echo(f"{name}: {'in order' if not problems else ''}".rstrip())
            for problem in problems:
                print_line(f"  {problem}")
    if any(found.values()):
        raise click.exceptions.Exit(1)


def _enabled_by(cli: CliContext, sound: Plugins, broken: Iterable[str]) -> dict[str, list[str]]:
    """Return the organisations that enabled each plugin."""

    class Anything(Schema):
        """The schema of a plugin that cannot be loaded: it accepts any section."""

        def load(self, *_: Any, **__: Any) -> Any:
            """Accept any section and return no settings."""
            return {}

    offered = {name: PluginSettings() for name in sound.names}
    offered |= dict(sound.registered("register_settings"))
    offered |= {name: PluginSettings(Anything, Anything) for name in broken}
    settings = load_settings(cli.raw_settings, {name: each.server for name, each in offered.items()})
    schemas = {name: each.organisation for name, each in offered.items()}
    organisations = load_directory(settings.tenants, schemas, rules_of(settings)).organisations.values()
    return {name: [one.id for one in organisations if name in one.plugins] for name in offered}


def _distribution(plugin: str) -> dict[str, str | None]:
    """Return the distribution and version of a plugin."""
    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=plugin):
        if entry_point.dist is not None:
            return {"distribution": entry_point.dist.name, "version": entry_point.dist.version}
    return {"distribution": None, "version": None}
