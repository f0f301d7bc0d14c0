"""A job is run in its organisation."""

from __future__ import annotations

from typing import Any

import structlog

from autonomy_core.callables import call_to_its_end
from autonomy_core.jobs.domain import Job, TryAgain
from autonomy_core.runtime import Runtime

log = structlog.get_logger(__name__)


class OrganisationUnavailable(Exception):
    """A job's organisation has no usable ini file now; the job waits."""


def run_job(runtime: Runtime, job: Job, organisation_id: str, arguments: dict[str, Any]) -> None:
    """Run a job in its organisation, in one transaction.

    Raises:
        TryAgain: the job said so; what it did is committed.
        OrganisationUnavailable: there is no such organisation now.
        TypeError: the function gave a coroutine or a generator, so that nothing was done.
    """
    organisation = runtime.tenants.get(organisation_id)
    if organisation is None:
        raise OrganisationUnavailable(organisation_id)
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
