"""``autonomy db``: the embedded database server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts
from autonomy_core.db.outages import without_secrets

if TYPE_CHECKING:
    from autonomy_core.db.embedded import EmbeddedServer


@click.group()
def db() -> None:
    """Start, stop and find the embedded database."""


@db.command()
@pass_cli
def start(cli: CliContext) -> None:
    """Start the embedded server, and leave it running."""
    server = _embedded(cli)
    server.ensure_running()
    click.echo(f"running in {server.directory}")


@db.command()
@pass_cli
def stop(cli: CliContext) -> None:
    """Stop the embedded server; its data are kept."""
    _embedded(cli).stop()
    click.echo("stopped")


@db.command()
@pass_cli
def status(cli: CliContext) -> None:
    """Show which database is used. Exit status 1 if it is the embedded one and does not run."""
    server = cli.runtime.embedded
    if server is None:
        print_facts({"database": "external", "url": _url(cli)})
        return
    running = server.is_running()
    print_facts(
        {
            "database": "embedded",
            "running": "yes" if running else "no",
            "log": server.log_file,
            "url": _url(cli),
        }
    )
    if not running:
        raise click.exceptions.Exit(1)


@db.command()
@pass_cli
def url(cli: CliContext) -> None:
    """Print the application's database URL for psql, without a password."""
    click.echo(_url(cli))


def _url(cli: CliContext) -> str:
    # Not the masked form: psql would take the asterisks for the password.
    return without_secrets(make_url(cli.runtime.database.url)).set(drivername="postgresql").render_as_string()


def _embedded(cli: CliContext) -> EmbeddedServer:
    server = cli.runtime.embedded
    if server is None:
        raise Failure(f"{cli.config} sets sqlalchemy.url: the database is not the embedded one.")
    return server
