"""``autonomy jobs``: what the worker has still to do, and what it gave up."""

from __future__ import annotations

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.output import print_rows

UNFINISHED = """
    SELECT id, task_name AS job, status::text, attempts, scheduled_at AS not_before, args - 'organisation_id' AS arguments
    FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing', 'failed') AND args ->> 'organisation_id' = :organisation
    ORDER BY id
    LIMIT :limit
"""


@click.group()
def jobs() -> None:
    """Look at an organisation's waiting and failed jobs."""


@jobs.command("list")
@click.argument("organisation_id", metavar="ORG")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, limit: int, *, as_json: bool) -> None:
    """List the unfinished jobs, oldest first.

    They wait (todo), run (doing) or have been given up (failed).
    """
    from sqlalchemy import text

    with cli.records(organisation_id) as scope:
        found = scope.session.execute(text(UNFINISHED), {"organisation": organisation_id, "limit": limit})
        rows = [dict(row) for row in found.mappings()]
    print_rows(rows, as_json=as_json, nothing="no jobs")
