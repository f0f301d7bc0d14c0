"""What each type of event does, for new deliveries, retries by a job and replays by staff."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from autonomy_core.plugin_api.webhooks import Search, SetAside
from stripe_payments.domain import (
    ATTEMPT_FAILED,
    CHARGE_REFUNDED,
    CHECKOUT_EVENTS,
    DISPUTE_EVENTS,
    REFUND_EVENTS,
    NotUnderstood,
    outcome_of_event,
    parse_session,
)
from stripe_payments.events.envelopes import MISSING
from stripe_payments.reversals.refunds import (
    note_failed_attempt,
    notice_refunds,
    settle_dispute,
    settle_refund,
)
from stripe_payments.services import settle_session

Handler = Callable[[Search, Mapping[str, Any]], None]


def _settle_checkout(search: Search, session: Mapping[str, Any], *, event_type: str) -> None:
    parsed = parse_session(session)
    outcome = outcome_of_event(event_type, parsed.payment_status)
    settle_session(search, parsed, outcome, source="webhook")


HANDLERS: Mapping[str, Handler] = {
    **{name: partial(_settle_checkout, event_type=name) for name in CHECKOUT_EVENTS},
    **dict.fromkeys(REFUND_EVENTS, settle_refund),
    **dict.fromkeys(DISPUTE_EVENTS, settle_dispute),
    CHARGE_REFUNDED: notice_refunds,
    ATTEMPT_FAILED: note_failed_attempt,
}


def handle(search: Search, event_type: str, subject: Mapping[str, Any]) -> None:
    """Handle an event in the scope's transaction.

    Args:
        search: for the payment of the event.
        event_type: one of `HANDLED_EVENTS`.
        subject: the object of the event, in a version that we read.

    Raises:
        NotYet: its payment is not known yet.
        SetAside: the event changes nothing; the message gives the reason.
    """
    if subject.get(MISSING):
        raise SetAside(f"Stripe has no {subject['object']} {subject['id']}")
    try:
        HANDLERS[event_type](search, subject)
    except NotUnderstood as error:
        raise SetAside(str(error)) from None
