"""The event that nearly every event is: a checkout session that we have opened is paid, or such an event once more.

Its payment is found, locked and completed, and it is stored as processed, in one statement; then the rules are asked
whether that was right, and the hooks run. Nothing here decides what an event means: the rules are those of `domain`,
and of the core. Whatever is out of the ordinary (another type, no payment by that session, one that somebody else has locked, proof that fails, a hook
that raises, a database that is troubled) undoes the whole transaction and is left to `inbox`, which begins anew and
knows every case. Nothing is lost by trying, because nothing is committed until all has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from autonomy_core.plugin_api.payments import (
    COMPLETING,
    LockedPayment,
    NotAtOnce,
    PaymentStatus,
    Settlement,
    Statement,
    completing,
    settle_at_once,
)
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import (
    CHECKOUT_EVENTS,
    CheckoutSession,
    Recorded,
    check_binding,
    outcome_of_event,
    parse_session,
)
from stripe_payments.jobs import TO_HANDLE
from stripe_payments.services import LATE
from stripe_payments.settings import PLUGIN
from stripe_payments.webhooks import Delivery

SOURCE = "webhook"

log = structlog.get_logger(__name__)

# A payment that is locked is not waited for: whoever has it may be handling this very event.
FIND_AND_COMPLETE = Statement(f"""
WITH found AS (
    SELECT s.session_id, s.payment_intent_id,
        {LockedPayment.ORDINARY} AND p.created_at > %(late)s::timestamptz AS ordinary, {LockedPayment.COLUMNS}
    FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
    WHERE s.organisation_id = %(organisation_id)s AND s.environment = %(environment)s
        AND s.session_id = %(session_id)s
    FOR UPDATE OF s, p SKIP LOCKED
), stored AS (
    INSERT INTO stripe_payments_events
        (organisation_id, environment, event_id, type, payload, status, attempts, lookups, matched_by, payment_id, source,
         received_at, processed_at)
    SELECT %(organisation_id)s::text, %(environment)s::text, %(event_id)s::text, %(type)s::text, %(payload)s::jsonb,
        'processed', 1, 'session_id: found', 'session_id', found.id, 'webhook', %(now)s::timestamptz, %(now)s::timestamptz
    FROM found WHERE found.ordinary
    ON CONFLICT DO NOTHING RETURNING event_id
), noted AS (
    UPDATE stripe_payments_payments s SET payment_intent_id = %(intent)s::text
    FROM found, stored
    WHERE s.organisation_id = %(organisation_id)s AND s.payment_id = found.id
        AND s.payment_intent_id IS DISTINCT FROM %(intent)s::text AND %(intent)s::text IS NOT NULL
), {COMPLETING}
SELECT
    (SELECT status FROM stripe_payments_events
     WHERE organisation_id = %(organisation_id)s AND environment = %(environment)s AND event_id = %(event_id)s
        AND NOT EXISTS (SELECT FROM stored)),
    (SELECT true FROM stored),
    found.*
FROM (VALUES (1)) always LEFT JOIN found ON true
""")  # noqa: S608 - made of constants


def receive_at_once(scope: TenantScope, delivery: Delivery, *, patience_s: float) -> str | None:
    """Store and handle an ordinary event, in one transaction, or leave everything as it was.

    Args:
        scope: the organisation; its own transaction is not used.
        patience_s: how long a statement may take.

    Returns:
        The event's status, or None where `inbox` is to handle it.
    """
    if delivery.text is None or delivery.event.type not in CHECKOUT_EVENTS:
        return None
    try:
        session = parse_session(delivery.event.object)
        with scope.runtime.direct_transaction(scope.organisation, patience_s=patience_s) as own:
            return _find_and_settle(own, delivery, session)
    except (Exception, SystemExit) as reason:  # noqa: BLE001 - whatever it is, the general path finds it again
        log.info("stripe.event_not_at_once", event_id=delivery.event.id, reason=type(reason).__name__)
        return None


def _find_and_settle(scope: TenantScope, delivery: Delivery, session: CheckoutSession) -> str:
    values = completing(scope, SOURCE)
    known, stored, recorded, payment = _find_and_complete(scope, delivery, session, values)
    if known is not None and known not in TO_HANDLE:
        return known
    outcome = outcome_of_event(delivery.event.type, session.payment_status)
    if not stored or outcome != "completed":
        raise NotAtOnce(outcome)
    check_binding(session, delivery.environment, recorded)
    settlement = Settlement(
        payment_id=payment.id,
        status=PaymentStatus.COMPLETED,
        environment=session.environment,
        amount=session.amount,
        currency=session.currency,
        source=SOURCE,
    )
    settle_at_once(scope, payment, settlement, provider=PLUGIN, at=values["now"])
    return "processed"


def _find_and_complete(
    scope: TenantScope, delivery: Delivery, session: CheckoutSession, completing_it: Mapping[str, Any]
) -> Any:
    """The status of the event if it was known, whether it is stored now, and what was found."""
    values = {
        **completing_it,
        "environment": delivery.environment,
        "session_id": session.id,
        "event_id": delivery.event.id,
        "type": delivery.event.type,
        "payload": delivery.text,
        "intent": session.payment_intent_id,
        "late": completing_it["now"] - LATE,
    }
    row: Any = scope.execute_directly(FIND_AND_COMPLETE, values)
    known, stored, session_id, payment_intent_id, _, *columns = row
    if not stored:
        return known, False, None, None
    payment = LockedPayment(*columns)
    recorded = Recorded(
        organisation_id=scope.organisation.id,
        environment=delivery.environment,
        payment_id=payment.id,
        session_id=session_id,
        payment_intent_id=payment_intent_id,
        amount=payment.amount,
        currency=payment.currency,
    )
    return known, True, recorded, payment
