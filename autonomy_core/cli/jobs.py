"""``autonomy jobs``: queued jobs and failed jobs, with the reasons of failures."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from autonomy_core.cli.context import CliContext, json_option, pass_cli
from autonomy_core.cli.output import print_rows
from autonomy_core.cli.parameters import NumberType
from autonomy_core.jobs.administration import cancel_job, retry_job, unfinished_jobs

LARGEST_ID = 2**63 - 1
ORGANISATION = click.argument("organisation_id", metavar="ORG")
JOB = click.argument("job_id", metavar="ID", type=NumberType(1, LARGEST_ID))


@click.group()
def jobs() -> None:
    """List, retry and cancel an organisation's unfinished jobs."""


@jobs.command("list")
@ORGANISATION
@click.option("--limit", default=100, show_default=True, type=NumberType(1, 10_000), help="How many at most.")
@json_option
@pass_cli
def list_(cli: CliContext, organisation_id: str, limit: int, *, as_json: bool) -> None:
    """List the unfinished jobs, oldest first.

    Their status: todo (due now or later), doing (running), waits (its plugin is not enabled or installed), or
    failed (given up).
    """
    with cli.records(organisation_id) as scope:
        rows = [asdict(job) for job in unfinished_jobs(scope, limit)]
    print_rows(rows, as_json=as_json, nothing="no jobs")


@jobs.command()
@ORGANISATION
@JOB
@pass_cli
def retry(cli: CliContext, organisation_id: str, job_id: int) -> None:
    """Make a failed or waiting job due now."""
    with cli.records(organisation_id) as scope:
        job = retry_job(scope, job_id, actor=cli.actor)
    click.echo(f"job {job.id} ({job.job}) is due now; a worker takes it")


@jobs.command()
@ORGANISATION
@JOB
@pass_cli
def cancel(cli: CliContext, organisation_id: str, job_id: int) -> None:
    """Delete a job; the audit trail keeps its arguments."""
    with cli.records(organisation_id) as scope:
        job = cancel_job(scope, job_id, actor=cli.actor)
    arguments = json.dumps(job.arguments, ensure_ascii=False)
    click.echo(f"cancelled job {job.id}: {job.job} {arguments}")
