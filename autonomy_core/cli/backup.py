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
from autonomy_core.cli.hints import addressed
from autonomy_core.cli.migrate import target_of
from autonomy_core.cli.output import print_line
from autonomy_core.runtime import components, embedded_server
from autonomy_core.server_secrets import GENERATED_SECRET

if TYPE_CHECKING:
    from autonomy_core.settings import Settings

HAS_GAPS = 3
"""The exit status of a backup that can be restored but is incomplete."""


@click.command()
@click.argument("directory", type=FilePath())
@click.option(
    "--secret-to",
    type=FilePath(),
    help="Write the server's secret to this new file, outside of the backup.",
)
@pass_cli
def backup(cli: CliContext, directory: Path, secret_to: Path | None) -> None:
    """Back up database, files and ini files into the new DIRECTORY. The server may be in use.

    The dump is read back, and every file is compared with its checksum. A directory without manifest.json is
    no valid backup. The backup does not include the server's secret. Exit status 3: valid but incomplete.
    """
    site = _site(cli)
    reader_url = _reader_url(cli.config, site.settings)
    _require_secret(cli, site.settings)
    manifest = back_up(site, directory, reader_url=reader_url, secret_to=secret_to, progress=_print_progress)
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
    help="Let the restored copy act on live payments.",
)
@click.option(
    "--accept-other-secret", is_flag=True, help="Restore although autonomy.secret differs from the backup's."
)
@pass_cli
def restore(cli: CliContext, directory: Path | None, *, activate: bool, accept_other_secret: bool) -> None:
    """Restore the backup in DIRECTORY into the empty database and the directories of the ini file.

    The result is an inactive copy: its server makes no live payments and handles no live webhooks, and its
    worker waits, until 'autonomy restore --activate'. Activate it only after the original is out of service.
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
        progress=_print_progress,
    )
    _warn(manifest.gaps)
    click.echo("Restored as a copy that acts on no live payment. To have it take the original's place:")
    print_line("autonomy restore --activate")


def _print_progress(line: str) -> None:
    Console(stderr=True).print(Text.assemble(("✓ ", "green"), line), soft_wrap=True)


def _warn(gaps: Iterable[str]) -> None:
    for line in gaps:
        Console(stderr=True).print(Text.assemble(("✗ ", "red"), addressed(line)), soft_wrap=True)


def _site(cli: CliContext) -> Site:
    # A refused command must leave no files behind, so it must not generate a secret.
    settings = cli.read_settings(keep_secret=False)
    return Site(
        ini=cli.config,
        settings=settings,
        plugins=cli.plugins,
        components=components(cli.plugins),
        places=[settings.embedded_bin_dir] if settings.embedded_bin_dir else [],
    )


def _reader_url(config: Path, settings: Settings) -> str:
    """Return the SQLAlchemy URL of a role that sees all rows."""
    if settings.database_url is None:
        _require_database(settings)
        return target_of(config, settings).owner_url
    if settings.backup_url is None:
        raise Failure(
            f"{config}: autonomy.backup_url is missing. A backup needs a role that sees every organisation's "
            "rows: set it, for example to postgresql://autonomy_backup:…@host/database, and run: autonomy "
            "migrate",
            exit_code=2,
        )
    url = make_url(settings.backup_url).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


def _require_database(settings: Settings) -> None:
    """Check that the embedded database exists, if it is used. The check must not create it."""
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
