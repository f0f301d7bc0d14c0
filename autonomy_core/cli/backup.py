"""``autonomy backup`` and ``autonomy restore``"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text
from sqlalchemy import make_url

from autonomy_core.backup import services
from autonomy_core.backup.services import Site, back_up
from autonomy_core.cli.context import CliContext, FilePath, pass_cli
from autonomy_core.cli.failures import Failure
from autonomy_core.cli.migrate import target_of
from autonomy_core.runtime import components, embedded_server
from autonomy_core.settings import GENERATED_SECRET

if TYPE_CHECKING:
    from autonomy_core.settings import Settings

HAS_GAPS = 3
"""The exit status of a backup that can be restored, and in which something is missing."""


@click.command()
@click.argument("directory", type=FilePath())
@click.option(
    "--secret-to",
    type=FilePath(),
    help="Write the server's secret to this new file, apart from the backup.",
)
@pass_cli
def backup(cli: CliContext, directory: Path, secret_to: Path | None) -> None:
    """Back up database, files and ini files into DIRECTORY, which is made; the server may be in use.

    The dump is read again, and every file compared with its checksum. Without a manifest.json the directory is no
    backup. The server's secret is not in it. With the exit status 3 there is a backup, and something is missing in it.
    """
    site = _site(cli)
    reader_url = _reader_url(cli.config, site.settings)
    _require_secret(cli, site.settings)
    manifest = back_up(site, directory, reader_url=reader_url, secret_to=secret_to, progress=_tell)
    if manifest.gaps:
        _warn(manifest.gaps)
        click.echo(f"The backup in {directory} can be restored, but is not complete.")
        raise click.exceptions.Exit(HAS_GAPS)
    click.echo(f"The backup in {click.format_filename(directory)} is complete.")


@click.command()
@click.argument("directory", type=FilePath(), required=False)
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
    if activate == (directory is not None):
        raise click.UsageError("Name a DIRECTORY to restore, or use --activate.")
    site = _site(cli)
    if directory is None:
        _require_database(site.settings)
        done = services.activate_copy(target_of(cli.config, site.settings).owner_url)
        click.echo("The copy is activated." if done else "Nothing to do: this is no copy that waits for it.")
        return
    manifest = services.restore(
        site,
        directory,
        database_at=target_of(cli.config, site.settings) if _has_database(site.settings) else None,
        make_database=lambda: target_of(cli.config, site.settings),
        accept_other_secret=accept_other_secret,
        progress=_tell,
    )
    _warn(manifest.gaps)
    click.echo("Restored as a copy that acts on no live payment. To have it take the original's place:")
    click.echo("autonomy restore --activate")


def _tell(line: str) -> None:
    Console(stderr=True).print(Text.assemble(("✓ ", "green"), line), soft_wrap=True)


def _warn(gaps: Iterable[str]) -> None:
    for line in gaps:
        Console(stderr=True).print(Text.assemble(("✗ ", "red"), line), soft_wrap=True)


def _site(cli: CliContext) -> Site:
    # A command that is refused leaves nothing behind, and so makes no secret.
    settings = cli.read_settings(keep_secret=False)
    return Site(
        ini=cli.config,
        settings=settings,
        plugins=cli.plugins,
        components=components(cli.plugins),
        places=[settings.embedded_bin_dir] if settings.embedded_bin_dir else [],
    )


def _reader_url(config: Path, settings: Settings) -> str:
    """The SQLAlchemy URL of a role that sees every row."""
    if settings.database_url is None:
        _require_database(settings)
        return target_of(config, settings).owner_url
    if settings.backup_url is None:
        raise Failure(
            f"{config}: autonomy.backup_url is missing. A backup needs a role that sees every organisation's rows: "
            "set it, for example to postgresql://autonomy_backup:…@host/database, and run: autonomy migrate",
            exit_code=2,
        )
    url = make_url(settings.backup_url).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _require_database(settings: Settings) -> None:
    """Check that the embedded database is there, where it is the one that is used: to look must not make it."""
    if not _has_database(settings):
        raise Failure(
            f"There is no database in {embedded_server(settings).directory}. If there should be one, correct "
            "autonomy.data, or name the database in sqlalchemy.url."
        )


def _has_database(settings: Settings) -> bool:
    return settings.database_url is not None or embedded_server(settings).has_data


def _require_secret(cli: CliContext, settings: Settings) -> None:
    path = settings.data / GENERATED_SECRET
    if "autonomy.secret" not in cli.raw_settings and not path.exists():
        raise Failure(
            f"The server's secret is missing: there is no {path}, and no autonomy.secret in {cli.config}."
        )
