"""The event that nearly every event is: a checkout session that we have opened is paid, or such an event once more.

Its payment is found, locked and completed, and it is stored as processed, in one statement; then the rules are asked
whether that was right, and the hooks run. Nothing here decides what an event means: the rules are those of `domain`,
and of the core. Whatever is out of the ordinary (another type, no payment by that session, one that somebody else has locked, proof that fails, a hook
that raises, a database that is troubled) is left to `inbox`, which begins anew and knows every case; what fails within
the transaction undoes the whole of it. Nothing is lost by trying, because nothing is committed until all has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from autonomy_core.plugin_api.payments import (
    COMPLETING,
    LONGEST_PAUSE_TOGETHER_S,
    LockedPayment,
    Member,
    PaymentStatus,
    Settlement,
    Statement,
    announce_completed,
    completing,
    settle_at_once,
)
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import (
    CHECKOUT_EVENTS,
    CheckoutSession,
    NotUnderstood,
    Recorded,
    check_binding,
    outcome_of_event,
    parse_session,
)
from stripe_payments.events.jobs import TO_HANDLE
from stripe_payments.events.verification import Delivery
from stripe_payments.services import LATE
from stripe_payments.settings import PLUGIN

SOURCE = "webhook"

log = structlog.get_logger(__name__)

# A payment that is locked is not waited for: whoever has it may be handling this very event. Hooks run in the order of
# the products, so that what they lock of these, they lock in the same order everywhere.
FIND_AND_COMPLETE = Statement(f"""
WITH arrived AS (
    SELECT * FROM unnest(%(environment)s::text[], %(session_id)s::text[], %(event_id)s::text[], %(type)s::text[],
        %(intent)s::text[]) WITH ORDINALITY AS arrived(environment, session_id, event_id, type, intent, place)
), found AS (
    SELECT arrived.place, arrived.intent, locked.* FROM arrived CROSS JOIN LATERAL (
        SELECT s.payment_intent_id,
            {LockedPayment.ORDINARY} AND p.created_at > %(late)s::timestamptz AND NOT EXISTS (
                SELECT FROM stripe_payments_events waiting
                WHERE waiting.organisation_id = %(organisation_id)s AND waiting.environment = arrived.environment
                    AND waiting.waits_for = arrived.intent
            ) AS ordinary, {LockedPayment.COLUMNS}
        FROM stripe_payments_payments s
        JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
        JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
        WHERE s.organisation_id = %(organisation_id)s AND s.environment = arrived.environment
            AND s.session_id = arrived.session_id
        FOR UPDATE OF s, p SKIP LOCKED
    ) locked
), stored AS (
    INSERT INTO stripe_payments_events
        (organisation_id, environment, event_id, type, payload, status, attempts, lookups, matched_by, payment_id, source,
         received_at, processed_at)
    SELECT %(organisation_id)s::text, arrived.environment, event_id, type, %(payloads)s::jsonb -> (place - 1)::int,
        'processed', 1, 'session_id: found', 'session_id', found.id, 'webhook', %(now)s::timestamptz, %(now)s::timestamptz
    FROM found JOIN arrived USING (place) WHERE ordinary
    ORDER BY place
    ON CONFLICT DO NOTHING RETURNING payment_id
), noted AS (
    UPDATE stripe_payments_payments s
    SET payment_intent_id = (SELECT intent FROM found WHERE found.id = s.payment_id)
    WHERE s.organisation_id = %(organisation_id)s AND s.payment_id = ANY (ARRAY(
        SELECT payment_id FROM stored JOIN found ON found.id = payment_id
        WHERE intent IS NOT NULL AND intent IS DISTINCT FROM payment_intent_id
    ))
), {COMPLETING}
SELECT
    arrived.place,
    CASE WHEN stored.payment_id IS NULL THEN
        (SELECT status FROM stripe_payments_events known
         WHERE known.organisation_id = %(organisation_id)s AND known.environment = arrived.environment
            AND known.event_id = arrived.event_id)
    END,
    stored.payment_id IS NOT NULL, found.payment_intent_id, {LockedPayment.FOUND}
FROM arrived LEFT JOIN found USING (place) LEFT JOIN stored ON stored.payment_id = found.id
ORDER BY found.product_id, arrived.place
""")  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Ordinary:
    """An event that may be handled at once, if its payment is found and is open."""

    delivery: Delivery
    session: CheckoutSession


@dataclass(frozen=True, slots=True)
class Handled:
    """What has come of an event.

    Attributes:
        status: the event's.
        payment: as it was before this event completed it.
    """

    status: str
    payment: LockedPayment | None = None


def receive_at_once(scope: TenantScope, delivery: Delivery, *, patience_s: float) -> str | None:
    """Store and handle an ordinary event, in one transaction, or leave everything as it was.

    Events that arrive together are handled in one transaction.

    Args:
        scope: the organisation; its own transaction is not used.
        patience_s: how long a statement may take.

    Returns:
        The event's status, or None where `inbox` is to handle it.
    """
    ordinary = _prepared(delivery)
    if ordinary is None:
        return None
    handled = scope.runtime.group_commit.handle(
        (PLUGIN, scope.organisation.id),
        ordinary,
        lambda members: _handle_together(scope, members, patience_s),
    )
    return None if handled is None else handled.status


def _prepared(delivery: Delivery) -> Ordinary | None:
    """An event, None where it is certain that it is not an ordinary one."""
    event = delivery.event
    if delivery.text is None or event.to_fetch is not None or event.type not in CHECKOUT_EVENTS:
        return None
    try:
        session = parse_session(event.object)
        is_paid = outcome_of_event(event.type, session.payment_status) == "completed"
    except NotUnderstood:
        return None
    return Ordinary(delivery, session) if is_paid else None


def _handle_together(
    scope: TenantScope, members: Sequence[Member[Ordinary]], patience_s: float
) -> Sequence[Handled | None]:
    """Handle events, of each session the first one; the others are left to `inbox`."""
    firsts = _firsts(members)
    handled: dict[Member[Ordinary], Handled | None] = {}
    limits = {"patience_s": patience_s}
    if len(members) > 1:
        limits["longest_pause_s"] = LONGEST_PAUSE_TOGETHER_S
    try:
        with scope.runtime.direct_transaction(scope.organisation, **limits) as own:
            values = _values(own, [member.item for member in firsts])
            for place, *found in own.execute_directly(FIND_AND_COMPLETE, values):
                member = firsts[place - 1]
                handled[member] = member.run(_settle, own, member.item, values["now"], found)
    except (Exception, SystemExit) as reason:  # noqa: BLE001 - whatever it is, the general path finds it again
        for member in members:
            member.run_aside(_log_undone, member.item, reason, len(members))
        return [None for _ in members]
    # By whoever has committed: a member that has lost patience meanwhile would never do it.
    for member, result in handled.items():
        if result is not None and result.payment is not None:
            member.run_aside(announce_completed, scope, result.payment, SOURCE)
    return [handled.get(member) for member in members]


def _firsts(members: Sequence[Member[Ordinary]]) -> Sequence[Member[Ordinary]]:
    """The first one of each session."""
    firsts: dict[tuple[str, str], Member[Ordinary]] = {}
    for member in members:
        firsts.setdefault((member.item.delivery.environment, member.item.session.id), member)
    return list(firsts.values())


def _log_undone(event: Ordinary, reason: BaseException, together: int) -> None:
    name = type(reason).__name__
    log.info("stripe.event_not_at_once", event_id=event.delivery.event.id, reason=name, together=together)


def _values(scope: TenantScope, events: Sequence[Ordinary]) -> Mapping[str, Any]:
    completing_them = completing(scope, SOURCE, payments=len(events))
    return {
        **completing_them,
        "environment": [each.delivery.environment for each in events],
        "session_id": [each.session.id for each in events],
        "event_id": [each.delivery.event.id for each in events],
        "type": [each.delivery.event.type for each in events],
        "payloads": f"[{','.join(str(each.delivery.text) for each in events)}]",
        "intent": [each.session.payment_intent_id for each in events],
        "late": completing_them["now"] - LATE,
    }


def _settle(scope: TenantScope, ordinary: Ordinary, at: datetime, found: Sequence[Any]) -> Handled | None:
    """Make sure that the statement has rightly done what it did for an event, and run the hooks."""
    known, stored, payment_intent_id, *columns = found
    if not stored:
        return None if known is None or known in TO_HANDLE else Handled(known)
    payment, session, environment = LockedPayment(*columns), ordinary.session, ordinary.delivery.environment
    recorded = Recorded(
        organisation_id=scope.organisation.id,
        environment=environment,
        payment_id=payment.id,
        session_id=session.id,
        payment_intent_id=payment_intent_id,
        amount=payment.amount,
        currency=payment.currency,
    )
    check_binding(session, environment, recorded)
    settlement = Settlement(
        payment_id=payment.id,
        status=PaymentStatus.COMPLETED,
        environment=session.environment,
        amount=session.amount,
        currency=session.currency,
        source=SOURCE,
    )
    settle_at_once(scope, payment, settlement, provider=PLUGIN, at=at)
    return Handled("processed", payment)
