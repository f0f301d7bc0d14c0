"""``autonomy db``: the embedded database server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from sqlalchemy import make_url

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.output import print_facts
from autonomy_core.db.outages import without_secrets
from autonomy_core.kernel.runtime import runtime_of

if TYPE_CHECKING:
    from autonomy_core.db.embedded import EmbeddedServer


@click.group()
def db() -> None:
    """Start, stop and find the embedded database."""


@db.command()
@pass_cli
def start(cli: CliContext) -> None:
    """Start the embedded server and leave it running."""
    server = _embedded(cli)
    server.ensure_running()
    click.echo(f"running in {server.directory}")


@db.command()
@pass_cli
def stop(cli: CliContext) -> None:
    """Stop the embedded server; its data stay."""
    server = _embedded(cli)
    was_running = server.is_running()
    server.stop()
    click.echo("stopped" if was_running else "it was not running")


@db.command()
@pass_cli
def status(cli: CliContext) -> None:
    """Show which database is used. Exit status 1 if it is the embedded one and is stopped."""
    server = runtime_of(cli).embedded
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
    # The form without a password: psql would take the asterisks of the masked form for the password.
    return (
        without_secrets(make_url(runtime_of(cli).database.url))
        .set(drivername="postgresql")
        .render_as_string()
    )


def _embedded(cli: CliContext) -> EmbeddedServer:
    server = runtime_of(cli).embedded
    if server is None:
        raise Failure(f"{cli.config} sets sqlalchemy.url: the database is not the embedded one.")
    return server
