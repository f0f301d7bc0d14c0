"""What each type of event does, whether Stripe has just posted it, a job tries it again, or staff replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
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
from stripe_payments.refunds import note_failed_attempt, notice_refunds, settle_dispute, settle_refund
from stripe_payments.services import Found, SetAside, settle_session

Handler = Callable[[TenantScope, Environment, Mapping[str, Any]], Found]


def _settle_checkout(
    scope: TenantScope, environment: Environment, session: Mapping[str, Any], *, event_type: str
) -> Found:
    parsed = parse_session(session)
    outcome = outcome_of_event(event_type, parsed.payment_status)
    return settle_session(scope, parsed, outcome, environment=environment, source="webhook")


HANDLERS: Mapping[str, Handler] = {
    **{name: partial(_settle_checkout, event_type=name) for name in CHECKOUT_EVENTS},
    **dict.fromkeys(REFUND_EVENTS, settle_refund),
    **dict.fromkeys(DISPUTE_EVENTS, settle_dispute),
    CHARGE_REFUNDED: notice_refunds,
    ATTEMPT_FAILED: note_failed_attempt,
}


def handle(scope: TenantScope, environment: Environment, payload: Mapping[str, Any]) -> Found:
    """Do what an event says, in the scope's transaction.

    Args:
        environment: the one whose secret vouches for the event.
        payload: the event, of one of `HANDLED_EVENTS`.

    Returns:
        The payment that it is about.

    Raises:
        NotYet: its payment is not known, and may be later.
        SetAside: it changes nothing; the message says why.
    """
    try:
        return HANDLERS[payload["type"]](scope, environment, payload["data"]["object"])
    except NotUnderstood as error:
        raise SetAside(str(error)) from None
