"""The online part of ``autonomy tenants check``: it asks other servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from autonomy_core.cli.output import print_line
from autonomy_core.operations.doctor import examine, remember

if TYPE_CHECKING:
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.operations.doctor import Examined


def run_online_checks(runtime: Runtime, organisation_ids: Sequence[str], *, quiet: bool) -> list[Examined]:
    """Run the online checks of some organisations, print the findings, and store them for ``/health/ready``.

    Args:
        runtime: the runtime.
        organisation_ids: the organisations.
        quiet: print the progress only.
    """
    organisations = [each for name in organisation_ids if (each := runtime.tenants.get(name)) is not None]
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        looking = examine(runtime, organisations)
        found = list(progress.track(looking, total=len(organisations), description="checking"))
    found.sort(key=lambda each: each.organisation_id)
    _remember(runtime, found)
    if not quiet:
        _print(found)
    return found


def rows_of(found: Sequence[Examined]) -> list[dict[str, Any]]:
    """Return the findings as JSON data."""
    return [
        {"organisation": each.organisation_id, "check": check, **asdict(finding)}
        for each in found
        for check, finding in each.findings
    ]


def _remember(runtime: Runtime, found: Sequence[Examined]) -> None:
    try:
        remember(runtime.settings.data, found)
    except OSError as error:
        click.echo(f"/health/ready will not show this: {error.filename}: {error.strerror}", err=True)


def _print(found: Sequence[Examined]) -> None:
    severities = [finding.severity for each in found for _, finding in each.findings]
    for each in found:
        for _, finding in each.findings:
            print_line(f"{each.organisation_id}: {finding}")
    counts = ", ".join(f"{severities.count(name)} {name}s" for name in ("error", "warning"))
    click.echo(f"online: {len(found)} looked at, {counts}")
