"""When a job is run again, and where those wait that cannot be run now."""

from __future__ import annotations

from typing import Any

import procrastinate
import structlog
from procrastinate import retry
from procrastinate.tasks import Task

from autonomy_core.jobs.domain import back_off, is_last_attempt
from autonomy_core.kernel.retries import CannotRunNow

log = structlog.get_logger(__name__)

QUEUE = "default"
"""The queue from which workers take jobs."""

WAITING_QUEUE = "waiting"
"""The queue of those that cannot be run now. No worker takes any from it; `rescue` moves them back."""


class UnknownJob(CannotRunNow):
    """No plugin that is installed here knows the job."""


class BackOff(retry.BaseRetryStrategy):
    """Try again after `back_off`, up to a job's ``max_attempts``; let wait what cannot be run now."""

    def __init__(self, max_attempts: int | None) -> None:
        self._max_attempts = max_attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """When and where to run a job again; None to give it up."""
        if isinstance(exception, CannotRunNow):
            return procrastinate.RetryDecision(queue=WAITING_QUEUE)
        if is_last_attempt(self._max_attempts, job.attempts):
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": back_off(job.attempts, exception)})


class TasksAndUnknown(dict[str, Task[Any, Any, Any]]):
    """The tasks that an application knows; for any other name one that waits for its plugin.

    Procrastinate itself would give up a job without a task.
    """

    def __init__(self, app: procrastinate.App) -> None:
        super().__init__(app.tasks)
        self._unknown: Task[Any, Any, Any] = Task(
            _wait_for_plugin,
            blueprint=app,
            name="jobs.unknown",
            queue=WAITING_QUEUE,
            retry=BackOff(None),
            pass_context=True,
        )

    def get(self, name: str, default: Any = None) -> Any:
        """The task of this name, or the one that waits."""
        return super().get(name, self._unknown)


def _wait_for_plugin(context: procrastinate.JobContext, **arguments: Any) -> None:
    queued = context.job
    if queued.queueing_lock is not None or "organisation_id" not in arguments:
        # A periodic job: of a plugin, or, without an organisation, of another version's core. Where it is
        # known, it has its next turn.
        return
    reason = f"no installed plugin knows the job {queued.task_name}"
    log.warning(
        "job.waits",
        job=queued.task_name,
        job_id=queued.id,
        organisation=arguments.get("organisation_id"),
        reason=reason,
    )
    raise UnknownJob(reason)
