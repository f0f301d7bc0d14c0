"""``autonomy backup`` and ``autonomy restore``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from autonomy_core.cli.context import CliContext, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.migrate import target_of

if TYPE_CHECKING:
    from autonomy_core.backup.services import Site


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--secret-to",
    type=click.Path(path_type=Path),
    help="Write the server's secret to this new file, apart from the backup.",
)
@pass_cli
def backup(cli: CliContext, directory: Path, secret_to: Path | None) -> None:
    """Back up database, files and ini files into DIRECTORY, which is made; the server may be in use.

    The dump is read again, and every file compared with its checksum. Without a manifest.json the directory is no
    backup. The server's secret is not in it.
    """
    from autonomy_core.backup.services import back_up

    site = _site(cli)
    if site.reader_url is None:
        raise Failure(
            f"{cli.config}: autonomy.backup_url is missing. A backup needs a role that sees every organisation's rows: "
            "set it, for example to postgresql://autonomy_backup:…@host/database, and run: autonomy migrate",
            exit_code=2,
        )
    back_up(site, directory, secret_to=secret_to, progress=_tell)
    click.echo(f"The backup in {directory} is complete.")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option(
    "--activate",
    is_flag=True,
    help="Have the copy that was restored before act on live payments from now on.",
)
@click.option("--accept-other-secret", is_flag=True, help="Restore although autonomy.secret is another one.")
@pass_cli
def restore(cli: CliContext, directory: Path | None, *, activate: bool, accept_other_secret: bool) -> None:
    """Restore the backup in DIRECTORY into the empty database and the directories that the ini file names.

    The result is a copy: its server makes no live payment and handles no live webhook, and its worker waits, until
    'autonomy restore --activate'. Activate it when the original is out of service for good.
    """
    from autonomy_core.backup import services

    if activate == (directory is not None):
        raise click.UsageError("Name a DIRECTORY to restore, or use --activate.")
    site = _site(cli, for_owner=True)
    if directory is None:
        done = services.activate_copy(site)
        click.echo("The copy is activated." if done else "Nothing to do: this is no copy that waits for it.")
        return
    services.restore(site, directory, accept_other_secret=accept_other_secret, progress=_tell)
    click.echo("Restored as a copy that acts on no live payment. To have it take the original's place:")
    click.echo("autonomy restore --activate")


def _tell(line: str) -> None:
    Console(stderr=True).print(f"[green]✓[/green] {line}", highlight=False)


def _site(cli: CliContext, *, for_owner: bool = False) -> Site:
    from autonomy_core.backup.services import Site
    from autonomy_core.runtime import components

    settings, server = cli.runtime.settings, cli.runtime.embedded
    target = target_of(cli) if server is not None or for_owner else None
    reader_url = settings.backup_url if server is None or target is None else target.owner_url
    places = [settings.embedded_bin_dir] if settings.embedded_bin_dir else []
    return Site(
        ini=cli.config,
        settings=settings,
        plugins=cli.plugins,
        components=components(cli.plugins),
        reader_url=_for_sqlalchemy(reader_url),
        owner_url=target.owner_url if target else None,
        application_role=target.role if target else "",
        password=target.password if target else None,
        places=[server.programs] if server is not None else places,
    )


def _for_sqlalchemy(url: str | None) -> str | None:
    from sqlalchemy import make_url

    if url is None:
        return None
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
