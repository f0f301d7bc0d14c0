"""List an organisation's jobs, retry a job, and cancel a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text
from sqlalchemy.exc import IntegrityError

from autonomy_core.audit.services import record
from autonomy_core.errors import Conflict, NotFound
from autonomy_core.jobs.models import JobFailure
from autonomy_core.jobs.retrying import QUEUE, WAITING_QUEUE
from autonomy_core.jobs.running import obstacle_to
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope

UNFINISHED = f"""
    SELECT j.id, j.task_name AS job, j.status::text, j.queue_name = '{WAITING_QUEUE}' AS waits,
           j.attempts, j.scheduled_at, f.error, f.failed_at, j.args - 'organisation_id' AS arguments
    FROM procrastinate_jobs j
    LEFT JOIN job_failures f ON f.organisation_id = :organisation AND f.job_id = j.id
    WHERE j.status IN ('todo', 'doing', 'failed') AND j.args ->> 'organisation_id' = :organisation
"""  # noqa: S608 - made of the constants above
LIST = text(f"{UNFINISHED} ORDER BY j.id LIMIT :limit")
FIND = text(f"{UNFINISHED} AND j.id = :id FOR UPDATE OF j")
# A job in the waiting queue counts one attempt for its wait, which was none; see `rescue`.
RETRY = text(f"""
    UPDATE procrastinate_jobs
    SET status = 'todo', scheduled_at = NULL, queue_name = '{QUEUE}',
        attempts = attempts - (queue_name = '{WAITING_QUEUE}')::int
    WHERE id = :id
""")  # noqa: S608
CANCEL = text("DELETE FROM procrastinate_jobs WHERE id = :id")


@dataclass(frozen=True, slots=True)
class UnfinishedJob:
    """A job that has not succeeded.

    Attributes:
        id: Procrastinate's id of the job.
        job: the job's name.
        status: ``todo``: it is due now or later. ``doing``: a worker runs it. ``waits``: its plugin or its
            organisation is unavailable. ``failed``: it was given up.
        attempts: the number of failures.
        not_before: when it is due; None if now, or if it waits.
        error: the reason of the last failure, or the reason for waiting.
        failed_at: when it failed last.
        arguments: the arguments of the job's function.
    """

    id: int
    job: str
    status: str
    attempts: int
    not_before: datetime | None
    error: str | None
    failed_at: datetime | None
    arguments: Mapping[str, Any]


def unfinished_jobs(scope: TenantScope, limit: int) -> list[UnfinishedJob]:
    """Return the organisation's unfinished jobs, oldest first."""
    values = {"organisation": scope.organisation.id, "limit": limit}
    return [_unfinished(scope, row) for row in scope.session.execute(LIST, values)]


def retry_job(scope: TenantScope, job_id: int, *, actor: str) -> UnfinishedJob:
    """Make a job due now, if it was given up or waits for its next attempt. Its number of attempts stays.

    Raises:
        NotFound: the organisation has no such job.
        Conflict: a worker is running it, or it is periodic and its next run is already scheduled.
    """
    job = _find(scope, job_id)
    try:
        with scope.session.begin_nested():
            scope.session.execute(RETRY, {"id": job_id})
    except IntegrityError:
        raise Conflict(f"The next turn of {job.job} waits already.") from None
    _record(scope, job, "job.retried", actor)
    return job


def cancel_job(scope: TenantScope, job_id: int, *, actor: str) -> UnfinishedJob:
    """Delete a job. Only the audit trail keeps it.

    Raises:
        NotFound: the organisation has no such job.
        Conflict: a worker is running it, or it may not be cancelled, see `Job.kept_because`.
    """
    job = _find(scope, job_id)
    kind = _kind_of(scope, job.job)
    if kind is not None and kind.kept_because is not None:
        raise Conflict(
            f"Job {job_id} ({job.job}) is not cancelled: {kind.kept_because}. Repair what it waits for, and "
            f"run: autonomy jobs retry {scope.organisation.id} {job_id}"
        )
    scope.session.execute(CANCEL, {"id": job_id})
    scope.session.execute(delete(JobFailure).where(JobFailure.job_id == job_id))
    _record(scope, job, "job.cancelled", actor)
    return job


def _find(scope: TenantScope, job_id: int) -> UnfinishedJob:
    values = {"organisation": scope.organisation.id, "id": job_id}
    row = scope.session.execute(FIND, values).one_or_none()
    if row is None:
        raise NotFound(f"{scope.organisation.id} has no unfinished job {job_id}.")
    job = _unfinished(scope, row)
    if job.status == "doing":
        raise Conflict(f"Job {job_id} ({job.job}) runs now.")
    return job


def _record(scope: TenantScope, job: UnfinishedJob, action: str, actor: str) -> None:
    detail = {"job": job.job, "arguments": job.arguments, "attempts": job.attempts, "error": job.error}
    target = f"job:{job.id}"
    record(scope, actor=actor, action=action, target=target, detail=detail)


def _unfinished(scope: TenantScope, row: Any) -> UnfinishedJob:
    waits = row.waits and row.status == "todo"
    return UnfinishedJob(
        id=row.id,
        job=row.job,
        status="waits" if waits else row.status,
        attempts=row.attempts - bool(waits),
        not_before=None if waits else row.scheduled_at,
        error=_waits_for(scope, row.job) if waits else row.error,
        failed_at=row.failed_at,
        arguments=row.arguments,
    )


def _kind_of(scope: TenantScope, name: str) -> Job | None:
    return next((job for job in runtime_of(scope).jobs if job.name == name), None)


def _waits_for(scope: TenantScope, name: str) -> str:
    """Return why a job in the waiting queue cannot run now."""
    job = _kind_of(scope, name)
    if job is None:
        return "no installed plugin has the job"
    obstacle = obstacle_to(runtime_of(scope), job.owner, scope.organisation.id)
    return "nothing any more: it runs within a minute" if obstacle is None else str(obstacle)
