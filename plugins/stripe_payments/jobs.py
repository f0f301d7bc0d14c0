"""The job behind the inbox: it handles what was stored and then left."""

from __future__ import annotations

from autonomy_core.plugin_api.jobs import Job, TryAgain
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope

HANDLE_JOB = "stripe_payments.handle_event"

RESCUE_AFTER_S = 60
"""When the job looks whether an event has been handled."""

TO_HANDLE = ("received", "failed")
"""The statuses of events that are still to be handled."""


def handle_event(scope: TenantScope, *, environment: Environment, event_id: str) -> None:
    """Handle an event that may have been left over; nothing happens when it has been handled.

    Raises:
        TryAgain: it failed again.
    """
    # Imported late: every process registers the job, and only a worker needs Stripe's SDK for it.
    from stripe_payments.inbox import attempt

    event = attempt(scope, environment, event_id)
    if event.status in TO_HANDLE:
        raise TryAgain(f"Stripe event {event_id} failed: {event.reason}")


JOBS = (Job(HANDLE_JOB, handle_event),)
