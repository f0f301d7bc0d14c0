"""Events that Stripe could not deliver: fetched from Stripe, and handled like those that it could.

Source: https://docs.stripe.com/webhooks/process-undelivered-events.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.client import list_undelivered_events
from stripe_payments.domain import HANDLED_EVENTS, NotUnderstood
from stripe_payments.events import inbox
from stripe_payments.events.envelopes import Event, parse_event
from stripe_payments.events.fetching import Complete, UntilNoAnswer
from stripe_payments.events.sharing import intent_of, named_in
from stripe_payments.events.verification import BadEvent, Delivery
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN, all_keys

log = structlog.get_logger(__name__)

REACH = timedelta(days=7)
"""How far back is looked. Stripe itself tries for three days; a worker may have been away for some more."""


def fetch_missed_events(scope: TenantScope) -> None:
    """Handle what Stripe has not delivered to some endpoint, in both environments; what is known already stays as it is.

    Raises:
        Unavailable: Stripe does not answer; the next turn looks again.
    """
    for keys in all_keys(scope.settings(PLUGIN)):
        if keys.secret_key is not None:
            _fetch(scope, keys.environment)


def _fetch(scope: TenantScope, environment: Environment) -> None:
    try:
        found = list_undelivered_events(scope, environment, types=HANDLED_EVENTS, since=utcnow() - REACH)
    except PaymentsUnavailable as error:
        # The key is refused, or is a live one at the simulator: `autonomy tenants check --online` says which.
        log.warning("stripe.events_not_fetched", environment=environment, reason=str(error))
        return
    complete = UntilNoAnswer()
    statuses = [_take(scope, payload, complete) for payload in reversed(found)]
    taken = [status for status in statuses if status is not None]
    if taken:
        log.info("stripe.events_fetched", environment=environment, events=len(taken))


def _take(scope: TenantScope, payload: dict[str, Any], complete: Complete) -> str | None:
    """Store and handle an event if it is the organisation's own; gives its status."""
    try:
        event = parse_event(payload)
        if not _is_own(scope, event):
            return None
        return inbox.receive(scope, Delivery(event, payload, source="fetched"), complete=complete)
    except (NotUnderstood, BadEvent) as error:
        log.warning("stripe.fetched_event_refused", event_id=payload.get("id"), reason=str(error))
        return None


def _is_own(scope: TenantScope, event: Event) -> bool:
    """An account may be others' as well: an event is ours that names us, or a payment intent that we know."""
    named = named_in(event)
    if named is not None:
        return named == scope.organisation.id
    known = select(StripePayment.payment_id).where(
        StripePayment.organisation_id == scope.organisation.id,
        StripePayment.environment == event.environment,
        StripePayment.payment_intent_id == intent_of(event),
    )
    with scope.begin() as own:
        return own.session.scalar(known.limit(1)) is not None
