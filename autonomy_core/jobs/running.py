"""Run a job in its organisation; log and store a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.callables import call_to_its_end
from autonomy_core.jobs.domain import back_off, is_last_attempt
from autonomy_core.jobs.failures import described, forget_failure, keep_failure
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import CannotRunNow, TryAgain
from autonomy_core.kernel.runtime import Runtime

if TYPE_CHECKING:
    from procrastinate.jobs import Job as QueuedJob

log = structlog.get_logger(__name__)


class OrganisationNotInService(CannotRunNow):
    """The job's organisation has no valid ini file now."""


class PluginDisabled(CannotRunNow):
    """The job's organisation has not enabled the job's plugin."""


def run_job(runtime: Runtime, job: Job, organisation_id: str, arguments: dict[str, Any]) -> None:
    """Run a job in its organisation, in one transaction.

    Raises:
        TryAgain: the job raised it; its changes are committed.
        CannotRunNow: the organisation is unavailable, or has not enabled the job's plugin.
        TypeError: the function returned a coroutine or a generator, so its body did not run.
    """
    if (obstacle := obstacle_to(runtime, job.owner, organisation_id)) is not None:
        raise obstacle
    organisation = runtime.tenants.get(organisation_id)
    if organisation is None:
        raise OrganisationNotInService(f"organisation {organisation_id} is not in service")
    again: TryAgain | None = None
    with structlog.contextvars.bound_contextvars(organisation=organisation_id, job=job.name):
        with runtime.transaction(organisation) as scope:
            try:
                call_to_its_end(job.function, scope, **arguments)
            except TryAgain as error:
                again = error
        if again is not None:
            raise again
        log.info("job.done")


def obstacle_to(runtime: Runtime, owner: str, organisation_id: str) -> CannotRunNow | None:
    """Return why the jobs of an owner cannot run in an organisation now; None if they can.

    Args:
        runtime: the process's runtime.
        owner: the name of a plugin or of a feature of the core.
        organisation_id: the organisation.
    """
    organisation = runtime.tenants.get(organisation_id)
    if organisation is None:
        return OrganisationNotInService(f"organisation {organisation_id} is not in service")
    if owner in runtime.plugins.names and owner not in organisation.plugins:
        return PluginDisabled(f"plugin {owner} is not enabled")
    return None


def attempt(
    runtime: Runtime, job: Job, queued: QueuedJob, organisation_id: str, arguments: dict[str, Any]
) -> None:
    """Run a job that a worker took from the queue. Log, store and raise a failure.

    Raises:
        BaseException: see `run_job`.
    """
    try:
        run_job(runtime, job, organisation_id, arguments)
    except CannotRunNow as reason:
        log.info(
            "job.waits", job=job.name, job_id=queued.id, organisation=organisation_id, reason=str(reason)
        )
        raise
    except (Exception, SystemExit) as error:
        _report_failure(runtime, job, queued, organisation_id, error)
        raise
    if queued.attempts:
        _record(forget_failure, runtime, job, queued, organisation_id)


def _report_failure(
    runtime: Runtime, job: Job, queued: QueuedJob, organisation_id: str, error: BaseException
) -> None:
    again_in_s = job.every or (
        None if is_last_attempt(job.max_attempts, queued.attempts) else back_off(queued.attempts, error)
    )
    facts = {
        "job": job.name,
        "job_id": queued.id,
        "organisation": organisation_id,
        "attempt": queued.attempts + 1,
        "again_in_s": again_in_s,
    }
    if isinstance(error, TryAgain) and again_in_s is not None:
        log.info("job.again", reason=str(error), **facts)
    else:
        log.error("job.failed", error=described(error), exc_info=error, **facts)
    if job.every is None:
        _record(keep_failure, runtime, job, queued, organisation_id, queued.attempts + 1, error)


def _record(
    record: Callable[..., None],
    runtime: Runtime,
    job: Job,
    queued: QueuedJob,
    organisation_id: str,
    *what: Any,
) -> None:
    """Store or delete the reason of a failure. An error here does not change the result of the job."""
    try:
        record(runtime.database, organisation_id, queued.id, *what)
    except SQLAlchemyError as reason:
        log.warning("job.failure_not_kept", job=job.name, job_id=queued.id, reason=described(reason))
