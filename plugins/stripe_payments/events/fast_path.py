"""The fast path for the most frequent event: a checkout session of this server is paid.

It also handles a repeated delivery of the event.

The core settles the payment and stores the event as processed, in one transaction with simultaneous events.
The rules are those of `domain` and of the core. The inbox handles every other case: another type, an unknown
session, a locked payment, a contradiction between session and payment, a hook that raises, a database that
does not answer. The attempt is committed or rolled back as a whole.
"""

from __future__ import annotations

from functools import partial

from autonomy_core.plugin_api.payments import (
    BatchLookup,
    Environment,
    PaidReport,
    PaymentFacts,
    Settlement,
    settle_batch,
)
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import TO_HANDLE, Delivery, batched_event, batched_events
from stripe_payments.domain import (
    CHECKOUT_EVENTS,
    CheckoutSession,
    NotUnderstood,
    Recorded,
    check_binding,
    outcome_of_event,
    parse_session,
)
from stripe_payments.events.envelopes import subject_in, to_fetch
from stripe_payments.models import StripePayment
from stripe_payments.services import LATE, settlement_of
from stripe_payments.settings import PLUGIN, SOURCE

SETTLED_BY = "webhook"

PAID_SESSIONS = BatchLookup(
    provider=PLUGIN,
    source=SETTLED_BY,
    model=StripePayment,
    payment="payment_id",
    reference="session_id",
    learns="payment_intent_id",
    not_older_than=LATE,
    events=batched_events(SOURCE, found_by="session_id"),
)


def receive_on_fast_path(scope: TenantScope, delivery: Delivery, *, timeout: float) -> str | None:
    """Store and handle the event of a paid session, or change nothing.

    Args:
        scope: the organisation; its own transaction is not used.
        delivery: the event.
        timeout: limit of each statement in seconds.

    Returns:
        The status of the event; None if the inbox has to handle it.
    """
    report = _report(scope, delivery)
    if report is None:
        return None
    status = settle_batch(scope, PAID_SESSIONS, report, timeout=timeout)
    return None if status in TO_HANDLE else status


def _report(scope: TenantScope, delivery: Delivery) -> PaidReport | None:
    """Return the report of an event; None if it does not report a paid session."""
    if (
        delivery.text is None
        or delivery.type not in CHECKOUT_EVENTS
        or to_fetch(delivery.payload) is not None
    ):
        return None
    try:
        session = parse_session(subject_in(delivery.payload))
        is_paid = outcome_of_event(delivery.type, session.payment_status) == "completed"
    except NotUnderstood:
        return None
    # The statement of the fast path writes no tax.
    if not is_paid or session.tax is not None:
        return None
    return PaidReport(
        environment=delivery.environment,
        reference=session.id,
        learnt=session.payment_intent_id,
        event=batched_event(delivery),
        settlement_of=partial(_settlement, scope.organisation.id, delivery.environment, session),
    )


def _settlement(
    organisation_id: str,
    environment: Environment,
    session: CheckoutSession,
    payment: PaymentFacts,
    payment_intent_id: str | None,
) -> Settlement:
    """Return the settlement of the payment that was found by the session's ID.

    Raises:
        NotBelieved: the session contradicts the payment.
    """
    recorded = Recorded(
        organisation_id=organisation_id,
        environment=environment,
        payment_id=payment.id,
        session_id=session.id,
        payment_intent_id=payment_intent_id,
        amount=payment.amount,
        currency=payment.currency,
    )
    check_binding(session, environment, recorded)
    return settlement_of(payment.id, session, "completed", SETTLED_BY)
