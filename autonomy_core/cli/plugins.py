"""``autonomy plugins``: what is installed, who uses it, and whether it is in order."""

from __future__ import annotations

from typing import Any

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.output import print_json, print_rows
from autonomy_core.cli.plugins_new import new
from autonomy_core.cli.plugins_revision import revision


@click.group()
def plugins() -> None:
    """List and check the installed plugins."""


plugins.add_command(new)
plugins.add_command(revision)


@plugins.command("list")
@json_option
@pass_cli
def list_(cli: CliContext, *, as_json: bool) -> None:
    """List the plugins and who uses them.

    Without a server's ini file it is not said which organisations have enabled them.
    """
    enabled_by = _enabled_by(cli) if cli.has_config else None
    rows: list[dict[str, Any]] = [
        {"plugin": name, **_distribution(name)}
        | ({} if enabled_by is None else {"enabled_by": enabled_by[name]})
        for name in cli.plugins.names
    ]
    print_rows(rows, as_json=as_json, nothing="no plugins are installed")


@plugins.command()
@json_option
@pass_cli
def check(cli: CliContext, *, as_json: bool) -> None:
    """Report what is wrong with the plugins themselves. Exit status 1 if something is."""
    from autonomy_core.cli.plugin_checks import problems_of

    found = {name: problems_of(cli.plugins, name) for name in cli.plugins.names}
    if as_json:
        print_json(found)
    else:
        for name, problems in found.items():
            click.echo(f"{name}: {'in order' if not problems else ''}".rstrip())
            for problem in problems:
                click.echo(f"  {problem}")
    if any(found.values()):
        raise click.exceptions.Exit(1)


def _enabled_by(cli: CliContext) -> dict[str, list[str]]:
    """By the name of every plugin, the organisations that use it."""
    from autonomy_core.tenancy.directory import load_directory

    loaded = load_directory(cli.tenants_directory, cli.plugin_schemas, cli.tenant_rules)
    organisations = loaded.organisations.values()
    return {name: [one.id for one in organisations if name in one.plugins] for name in cli.plugins.names}


def _distribution(plugin: str) -> dict[str, str | None]:
    """The distribution and version that offer a plugin."""
    import importlib.metadata

    from autonomy_core.plugin_api.hooks import ENTRY_POINT_GROUP

    for entry_point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=plugin):
        if entry_point.dist is not None:
            return {"distribution": entry_point.dist.name, "version": entry_point.dist.version}
    return {"distribution": None, "version": None}
