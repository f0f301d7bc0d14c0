"""When a job is retried, and the queue of the jobs that cannot run now."""

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
"""The queue of jobs that cannot run now. Workers do not read it; `rescue` moves the jobs back."""


class UnknownJob(CannotRunNow):
    """No installed plugin has the job."""


class BackOff(retry.BaseRetryStrategy):
    """Retry after `back_off`, up to a job's ``max_attempts``.

    A job that cannot run now moves to the waiting queue.
    """

    def __init__(self, max_attempts: int | None) -> None:
        self._max_attempts = max_attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: procrastinate.jobs.Job
    ) -> procrastinate.RetryDecision | None:
        """Return when and in which queue to retry a job; None to give it up."""
        if isinstance(exception, CannotRunNow):
            return procrastinate.RetryDecision(queue=WAITING_QUEUE)
        if is_last_attempt(self._max_attempts, job.attempts):
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": back_off(job.attempts, exception)})


class TasksAndUnknown(dict[str, Task[Any, Any, Any]]):
    """The tasks of an application. Any unknown name gets a task that moves the job to the waiting queue.

    Without it Procrastinate would give up a job without a task.
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
        """Return the task of this name, or the task for unknown jobs."""
        return super().get(name, self._unknown)


def _wait_for_plugin(context: procrastinate.JobContext, **arguments: Any) -> None:
    queued = context.job
    if queued.queueing_lock is not None or "organisation_id" not in arguments:
        # A periodic job is dropped: of a missing plugin, or, without an organisation, of another version of
        # the core. A worker that has it defers its next run.
        return
    reason = f"no installed plugin has the job {queued.task_name}"
    log.warning(
        "job.waits",
        job=queued.task_name,
        job_id=queued.id,
        organisation=arguments.get("organisation_id"),
        reason=reason,
    )
    raise UnknownJob(reason)
