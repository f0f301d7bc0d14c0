"""``autonomy migrate``"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from rich.console import Console
from sqlalchemy import make_url

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.hints import addressed
from autonomy_core.cli.output import print_line
from autonomy_core.db.engines import single_engine
from autonomy_core.db.migrations import Target, pending
from autonomy_core.db.migrations import migrate as run
from autonomy_core.db.roles import prepare_backup_role
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.runtime import APPLICATION_ROLE, DATABASE_NAME, components, embedded_server

if TYPE_CHECKING:
    from pathlib import Path

    from autonomy_core.settings import Settings


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 if something is pending.")
@pass_cli
def migrate(cli: CliContext, *, check: bool) -> None:
    """Bring the database up to date: tables, row-level security, and the application's role.

    The embedded database is created if it is missing. Otherwise autonomy.owner_url names the role that owns
    the tables, and sqlalchemy.url the application's role, which is created if it is missing. The role of
    autonomy.backup_url, for backups, is created as well.
    """
    if check:
        _check(cli)
    else:
        _migrate(cli)


def _migrate(cli: CliContext) -> None:
    target = target_of(cli.config, cli.settings)
    console = Console(stderr=True)

    def print_progress(line: str) -> None:
        console.print(f"[green]✓[/green] {addressed(line)}", highlight=False, soft_wrap=True)

    with console.status("migrating"):
        run(
            target.owner_url,
            components(cli.plugins),
            application_role=target.role,
            password=target.password,
            progress=print_progress,
        )
        _prepare_backup_role(cli, target, print_progress)
    click.echo("The database is up to date.")


def _prepare_backup_role(cli: CliContext, target: Target, progress: Callable[[str], None]) -> None:
    """Create the role of autonomy.backup_url. The embedded server does not need it."""
    backup_url = cli.settings.backup_url
    if backup_url is None or cli.settings.database_url is None:
        return
    wanted = make_url(backup_url)
    if not wanted.username or wanted.username == target.role:
        raise Failure(
            f"{cli.config}: autonomy.backup_url must name a role of its own, which is not the application's: "
            "it sees every organisation's rows.",
            exit_code=2,
        )
    password = None if wanted.password is None else str(wanted.password)
    with single_engine(target.owner_url).begin() as connection:
        prepare_backup_role(connection, wanted.username, password, progress)


def target_of(config: Path, settings: Settings) -> Target:
    """Return the database of the settings, as its owner sees it. The embedded database is created if missing.

    Args:
        config: the server's ini file, for messages.
        settings: the server's settings.

    Raises:
        Failure: the ini file lacks a URL.
    """
    if settings.database_url is None:
        server = embedded_server(settings)
        server.run_with_process()
        server.create_database(DATABASE_NAME)
        return Target(server.url(DATABASE_NAME), APPLICATION_ROLE, None)
    if settings.owner_url is None:
        raise Failure(
            f"{config}: autonomy.owner_url is missing. Migrations need a role that owns the tables; "
            "the one in sqlalchemy.url must not.",
            exit_code=2,
        )
    application = make_url(settings.database_url)
    if application.username is None:
        raise Failure(f"{config}: sqlalchemy.url must name the application's role.", exit_code=2)
    owner = make_url(settings.owner_url).set(drivername="postgresql+psycopg")
    password = None if application.password is None else str(application.password)
    return Target(owner.render_as_string(hide_password=False), application.username, password)


def _check(cli: CliContext) -> None:
    waiting = pending_migrations(cli)
    for line in waiting:
        print_line(line)
    if waiting:
        raise click.exceptions.Exit(1)
    click.echo("The database is up to date.")


def pending_migrations(cli: CliContext) -> list[str]:
    """Return what is not migrated, one sentence each."""
    runtime = runtime_of(cli)
    if runtime.embedded is not None:
        runtime.embedded.run_with_process()
    with runtime.database.transaction(None) as session:
        return pending(session.connection(), components(cli.plugins))
