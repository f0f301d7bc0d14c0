"""Events: stored before they are handled, handled once, and tried again until they are.

Storing and handling are two transactions. With the first, Stripe's part is done: from then on the event is
ours. The same first transaction defers a job that handles the event some time later, so that it is handled even
if this process dies; usually the job finds it done. An event is ``processed`` only in the transaction
that did its work.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, SQLAlchemyError

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import CHECKOUT_EVENTS, NotUnderstood, outcome_of_event, parse_session
from stripe_payments.jobs import HANDLE_JOB, RESCUE_AFTER_S, TO_HANDLE
from stripe_payments.models import StripeEvent
from stripe_payments.services import Found, SetAside, settle_session
from stripe_payments.webhooks import BadEvent, Delivery

log = structlog.get_logger(__name__)


class EventNotStored(Unavailable):
    """The event could not be stored; Stripe will send it again."""

    code, title = "event_not_stored", "The event could not be stored"


def receive(scope: TenantScope, delivery: Delivery) -> str:
    """Store an event and handle it, each in a transaction of its own; what was handled before is not again.

    Args:
        scope: the organisation; its own transaction is not used.

    Returns:
        The event's status. ``received`` and ``failed`` ones will be handled by the job.

    Raises:
        BadEvent: it contains what PostgreSQL cannot keep.
        EventNotStored: the database does not take it now.
    """
    status = _store_in_transaction(scope, delivery)
    if status not in TO_HANDLE:
        return status
    try:
        with scope.runtime.transaction(scope.organisation) as own:
            return attempt(own, delivery.environment, delivery.event.id).status
    except Exception:
        # It is stored, so it is ours to try again and not Stripe's.
        log.exception("stripe.event_interrupted", event_id=delivery.event.id)
        return status


def _store_in_transaction(scope: TenantScope, delivery: Delivery) -> str:
    try:
        with scope.runtime.transaction(scope.organisation) as own:
            return store(own, delivery)
    except DataError:
        raise BadEvent("It contains a character or a number that cannot be stored.") from None
    except SQLAlchemyError as error:
        log.exception("stripe.event_not_stored", event_id=delivery.event.id)
        raise EventNotStored from error


def store(scope: TenantScope, delivery: Delivery) -> str:
    """Store an event unless it is known; gives its status. What we do not handle is ignored at once."""
    event = delivery.event
    handled = event.type in CHECKOUT_EVENTS
    key = {
        "organisation_id": scope.organisation.id,
        "environment": delivery.environment,
        "event_id": event.id,
    }
    inserted = scope.session.scalar(
        insert(StripeEvent)
        .values(
            **key,
            type=event.type,
            payload=delivery.payload,
            status="received" if handled else "ignored",
            reason=None if handled else "events of this type are not handled",
            attempts=0,
            received_at=utcnow(),
        )
        .on_conflict_do_nothing()
        .returning(StripeEvent.status)
    )
    if inserted is None:
        return scope.session.execute(select(StripeEvent.status).filter_by(**key)).scalar_one()
    if handled:
        arguments = {"environment": delivery.environment, "event_id": event.id}
        defer(scope, HANDLE_JOB, in_seconds=RESCUE_AFTER_S, **arguments)
    return inserted


def attempt(scope: TenantScope, environment: Environment, event_id: str) -> StripeEvent:
    """Handle a stored event, unless it has been. It is locked, so that of many deliveries at once one handles it.

    What goes wrong is undone to a savepoint and recorded: the event is ``failed``, and to be tried again.
    """
    event = scope.session.get_one(
        StripeEvent,
        (scope.organisation.id, environment, event_id),
        with_for_update=True,
        populate_existing=True,
    )
    if event.status not in TO_HANDLE:
        return event
    event.attempts += 1
    try:
        with scope.session.begin_nested():
            found = _handle(scope, event)
    except SetAside as refusal:
        _record(event, "set_aside", refusal.found, str(refusal))
        log.warning("stripe.event_set_aside", event_id=event_id, reason=str(refusal))
    except Exception as error:
        _record(event, "failed", None, type(error).__name__)
        log.exception("stripe.event_failed", event_id=event_id, attempts=event.attempts)
    else:
        _record(event, "processed", found, None)
    return event


def _handle(scope: TenantScope, event: StripeEvent) -> Found:
    environment: Environment = event.environment  # type: ignore[assignment]
    try:
        session = parse_session(event.payload["data"]["object"])
        outcome = outcome_of_event(event.type, session.payment_status)
    except NotUnderstood as error:
        raise SetAside(str(error)) from None
    return settle_session(scope, session, outcome, environment=environment, source="webhook")


def _record(event: StripeEvent, status: str, found: Found | None, reason: str | None) -> None:
    event.status = status
    event.reason = reason
    event.matched_by = found.matched_by if found else None
    event.payment_id = found.payment.id if found else None
    event.processed_at = None if status in TO_HANDLE else utcnow()
