"""The jobs behind the inbox: what was stored and could not be handled is tried again, what did not arrive is fetched."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.jobs import Job, TryAgain
from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope

HANDLE_JOB = "stripe_payments.handle_event"

RETRY_AFTER_S = 60
"""When an event is tried again whose handling has failed."""

RACE_AFTER_S = 2
"""When an event is tried again whose payment may have become known at the very moment at which it was looked for."""

HOUR_S, DAY_S = 3600, 86_400

TO_HANDLE = ("received", "failed")
"""The statuses of events that are still to be handled."""


def handle_event(scope: TenantScope, *, environment: Environment, event_id: str) -> None:
    """Handle an event that could not be handled at once; nothing happens when it has been meanwhile.

    Raises:
        TryAgain: it failed again.
    """
    # Imported late: every process registers the job, and only a worker needs Stripe's SDK for it.
    from stripe_payments.events.fetching import complete_stored  # noqa: PLC0415 - the SDK loads slowly
    from stripe_payments.events.inbox import attempt  # noqa: PLC0415 - the SDK loads slowly

    try:
        complete_stored(scope, environment, event_id)
    except PaymentsUnavailable as error:
        # Only a person can help, for example with a key.
        raise TryAgain(f"Stripe event {event_id} waits: {error}", longest_wait_s=DAY_S) from None
    except Unavailable as error:
        raise TryAgain(f"Stripe event {event_id} waits: {error}") from None
    event = attempt(scope, environment, event_id)
    if event.status in TO_HANDLE:
        raise TryAgain(f"Stripe event {event_id} failed: {event.reason}")


def fetch_events(scope: TenantScope) -> None:
    """Fetch what Stripe could not deliver.

    Raises:
        TryAgain: Stripe does not answer.
    """
    from stripe_payments.events.event_backfill import fetch_missed_events  # noqa: PLC0415 - the SDK loads slowly

    try:
        fetch_missed_events(scope)
    except Unavailable as error:
        raise TryAgain(str(error)) from None


JOBS = (Job(HANDLE_JOB, handle_event), Job("stripe_payments.fetch_events", fetch_events, every=HOUR_S))
