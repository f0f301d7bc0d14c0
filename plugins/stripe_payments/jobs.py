"""The job behind the inbox: it tries again what was stored and could not be handled."""

from __future__ import annotations

from autonomy_core.plugin_api.jobs import Job, TryAgain
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope

HANDLE_JOB = "stripe_payments.handle_event"

RETRY_AFTER_S = 60
"""When an event is tried again whose handling has failed."""

TO_HANDLE = ("received", "failed")
"""The statuses of events that are still to be handled."""


def handle_event(scope: TenantScope, *, environment: Environment, event_id: str) -> None:
    """Handle an event that could not be handled at once; nothing happens when it has been meanwhile.

    Raises:
        TryAgain: it failed again.
    """
    # Imported late: every process registers the job, and only a worker needs Stripe's SDK for it.
    from stripe_payments.inbox import attempt

    event = attempt(scope, environment, event_id)
    if event.status in TO_HANDLE:
        raise TryAgain(f"Stripe event {event_id} failed: {event.reason}")


JOBS = (Job(HANDLE_JOB, handle_event),)
