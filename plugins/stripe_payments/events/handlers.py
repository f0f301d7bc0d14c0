"""What each type of event does, whether Stripe has just posted it, a job tries it again, or staff replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

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
from stripe_payments.events.fetching import MISSING
from stripe_payments.reversals.refunds import (
    note_failed_attempt,
    notice_refunds,
    settle_dispute,
    settle_refund,
)
from stripe_payments.services import Search, SetAside, settle_session

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
    """Do what an event says, in the scope's transaction.

    Args:
        search: for the payment that it is about.
        event_type: one of `HANDLED_EVENTS`.
        subject: what the event is about, in a version that we read.

    Raises:
        NotYet: its payment is not known, and may be later.
        SetAside: it changes nothing; the message says why.
    """
    if subject.get(MISSING):
        raise SetAside(f"Stripe has no {subject['object']} {subject['id']}")
    try:
        HANDLERS[event_type](search, subject)
    except NotUnderstood as error:
        raise SetAside(str(error)) from None
