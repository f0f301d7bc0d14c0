"""The commands ``autonomy passwords …``."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from customer_auth.passwords.filters import PasswordFilter, build

PROBES = 200_000


@click.group(name="passwords")
def passwords_commands() -> None:
    """Lists of passwords that customers may not choose."""


@passwords_commands.command(name="build")
@click.argument(
    "lists",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: the value of customer_auth.breached_passwords.",
)
@click.option(
    "--rate",
    default=0.001,
    show_default=True,
    type=click.FloatRange(0, 0.5, min_open=True),
    help="The share of other passwords that may be refused by mistake.",
)
def build_filter(lists: tuple[Path, ...], target: Path, rate: float) -> None:
    """Make a filter from lists of passwords, or of their SHA-1 hashes."""
    try:
        made = build(lists, target, rate)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    size = target.stat().st_size
    click.echo(f"{target}: {len(made)} passwords, {size} bytes, {_refused_by_mistake(made):.3%} by mistake")


def _refused_by_mistake(made: PasswordFilter) -> float:
    """Measure the share of random passwords that the filter calls listed."""
    return sum(secrets.token_urlsafe() in made for _ in range(PROBES)) / PROBES
