"""``autonomy plugins revision``: writes the migration for a changed model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

import autonomy_core.models  # noqa: F401 - for the metadata
from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.engines import single_engine
from autonomy_core.db.migrations import migrate
from autonomy_core.db.revisions import check_models_match, new_revision
from autonomy_core.runtime import APPLICATION_ROLE, components

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from autonomy_core.db.components import Migrations


@click.command()
@click.argument("name")
@click.argument("message")
@pass_cli
def revision(cli: CliContext, name: str, message: str) -> None:
    """Write the next migration of plugin NAME.

    NAME may be autonomy_core. MESSAGE describes it in a few words. The command compares the models with the
    migrations in a temporary database, so it needs no server.
    """
    every = components(cli.plugins)
    component = next((one for one in every if one.component == name), None)
    if component is None:
        names = ", ".join(one.component for one in every)
        raise click.BadParameter(f"no such plugin has migrations; there are {names}", param_hint="NAME")
    others = [one for one in every if one is not component]
    with _migrated_database(every) as connection:
        if not check_models_match(connection, component, others):
            click.echo(f"the models of {name} match its migrations; nothing was written")
            return
        path = new_revision(component, message, compare_with=connection, others=others)
    click.echo(f"wrote {path}; review it before you use it")


@contextmanager
def _migrated_database(components: Sequence[Migrations]) -> Iterator[Connection]:
    with TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory) / "postgresql", fast=True)
        server.ensure_running()
        try:
            server.create_database("revision")
            url = server.url("revision")
            migrate(url, components, application_role=APPLICATION_ROLE)
            with single_engine(url).connect() as connection:
                yield connection
        finally:
            server.stop()
            server.remove()
