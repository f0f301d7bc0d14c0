"""Events: stored and handled in one transaction, and tried again until they are handled.

If the process dies before the commit nothing is stored and nothing answered, and Stripe delivers again. What
goes wrong in handling is undone to a savepoint: the event is committed as ``failed``, with a job that tries
again, and from then on it is ours. An event is ``processed`` only in the transaction that did its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, SQLAlchemyError

from autonomy_core.plugin_api.alarms import clear_alarm, raise_alarm
from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.jobs import defer
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.events.fast_path import receive_at_once
from stripe_payments.events.fetching import MISSING, Complete, completed, lacking
from stripe_payments.events.handlers import handle
from stripe_payments.events.jobs import HANDLE_JOB, RACE_AFTER_S, RETRY_AFTER_S, TO_HANDLE
from stripe_payments.events.verification import BadEvent, Delivery
from stripe_payments.models import StripeEvent
from stripe_payments.reversals.refunds import NotYet
from stripe_payments.services import Search, SetAside

log = structlog.get_logger(__name__)

PATIENCE_S = 10
"""How long a statement may take, or wait for a lock, while Stripe waits for the answer. The job may take longer."""

MOST_WAITS = 12
"""How often an event is tried whose payment is not known: the job's back-off makes it a bit more than an hour."""

NOTHING_TRIED = "nothing was tried"
"""The lookups of an event that could not be understood."""

NOT_FETCHED = "Stripe has not said yet what it is about"
"""Why an event waits that is thin, or of another version than we read, while Stripe does not answer."""

SET_ASIDE = "stripe_payments.event_set_aside"
"""The alarm about an event that is ours, and that no later news can make right."""

STORE = insert(StripeEvent).on_conflict_do_nothing().returning(StripeEvent)


class EventNotStored(Unavailable):
    """The event could not be stored; Stripe will send it again."""

    code, title = "event_not_stored", "The event could not be stored"


def receive(scope: TenantScope, delivery: Delivery, *, complete: Complete = completed) -> str:
    """Store an event and handle it, in one transaction; what was handled before is not again.

    Of many deliveries at once the first handles it: the others wait for its commit, because the event is unique.

    Args:
        scope: the organisation; its own transaction is not used.
        complete: fetches what the event is about, as `completed` does.

    Returns:
        The event's status. ``received`` and ``failed`` ones will be handled by the job.

    Raises:
        BadEvent: it contains what PostgreSQL cannot keep.
        EventNotStored: the database does not take it now.
    """
    status = receive_at_once(scope, delivery, patience_s=PATIENCE_S)
    if status is not None:
        return status
    # What a thin event is about was asked for before, to learn whose it is; without an answer the job asks again.
    if delivery.event.to_fetch is not None and delivery.event.object:
        if (known := _final_status(scope, delivery)) is not None:
            return known
        delivery = complete(scope, delivery)
    try:
        with scope.begin(timeout=PATIENCE_S) as own:
            return _store_and_handle(own, delivery)
    except (BadEvent, EventNotStored):
        raise
    except Exception:
        # The transaction is lost. The event must not be, or Stripe would deliver it to the same end again and again.
        log.exception("stripe.event_interrupted", event_id=delivery.event.id)
    with (
        _errors_of_storing(delivery),
        scope.begin(timeout=PATIENCE_S) as own,
    ):
        return store(own, delivery)


@contextmanager
def _errors_of_storing(delivery: Delivery) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise BadEvent("It contains a character or a number that cannot be stored.") from None
    except SQLAlchemyError as error:
        log.exception("stripe.event_not_stored", event_id=delivery.event.id)
        raise EventNotStored from error


def _store_and_handle(scope: TenantScope, delivery: Delivery) -> str:
    with _errors_of_storing(delivery):
        event = _insert(scope, delivery)
    if event is None:
        status = _status_of_known(scope, delivery)
        return _attempt_again(scope, delivery).status if status in TO_HANDLE else status
    if event.status in TO_HANDLE:
        _handle(scope, event)
        _defer_unless_handled(scope, event)
    return event.status


def _attempt_again(scope: TenantScope, delivery: Delivery) -> StripeEvent:
    event = _locked(scope, *_name(delivery))
    event.fetched = event.fetched or delivery.fetched
    return _attempt(scope, event)


def store(scope: TenantScope, delivery: Delivery) -> str:
    """Store an event for the job, unless it is known; gives its status."""
    event = _insert(scope, delivery)
    if event is None:
        return _status_of_known(scope, delivery)
    _defer_unless_handled(scope, event)
    return event.status


def _insert(scope: TenantScope, delivery: Delivery) -> StripeEvent | None:
    """Insert an event, None if it is known. What we do not handle is ignored at once."""
    event = delivery.event
    handled = event.type in HANDLED_EVENTS
    values = {
        "organisation_id": scope.organisation.id,
        "environment": delivery.environment,
        "event_id": event.id,
        "type": event.type,
        "payload": delivery.payload,
        "fetched": delivery.fetched,
        "status": "received" if handled else "ignored",
        "reason": None if handled else "events of this type are not handled",
        "attempts": 0,
        "source": delivery.source,
        "received_at": utcnow(),
    }
    return scope.session.scalar(STORE, values)


def _final_status(scope: TenantScope, delivery: Delivery) -> str | None:
    """The status of an event that has been handled already, in a transaction of its own; None for any other."""
    key = (scope.organisation.id, *_name(delivery))
    with _errors_of_storing(delivery), scope.begin(timeout=PATIENCE_S) as own:
        event = own.session.get(StripeEvent, key)
        return None if event is None or event.status in TO_HANDLE else event.status


def _status_of_known(scope: TenantScope, delivery: Delivery) -> str:
    environment, event_id = _name(delivery)
    key = {"organisation_id": scope.organisation.id, "environment": environment, "event_id": event_id}
    return scope.session.scalars(select(StripeEvent.status).filter_by(**key)).one()


def _name(delivery: Delivery) -> tuple[Environment, str]:
    return delivery.environment, delivery.event.id


def _defer_unless_handled(scope: TenantScope, event: StripeEvent) -> None:
    if event.status in TO_HANDLE:
        arguments = {"environment": event.environment, "event_id": event.event_id}
        wait = RACE_AFTER_S if event.waits_for is not None else RETRY_AFTER_S
        defer(scope, HANDLE_JOB, in_seconds=wait, **arguments)


def attempt(scope: TenantScope, environment: Environment, event_id: str) -> StripeEvent:
    """Handle a stored event, unless it has been. It is locked, so that of many attempts at once one handles it."""
    return _attempt(scope, _locked(scope, environment, event_id))


def _attempt(scope: TenantScope, event: StripeEvent) -> StripeEvent:
    if event.status in TO_HANDLE:
        _handle(scope, event)
    return event


def replay(scope: TenantScope, environment: Environment, event_id: str) -> tuple[str, StripeEvent]:
    """Handle a stored event again, whatever came of it before; gives its status before, and the event.

    What was settled stays settled. An event of a type that is not handled stays ignored.
    """
    event = _locked(scope, environment, event_id)
    before, how = (event.status, event.reason), (event.matched_by, event.lookups, event.processed_at)
    if event.type in HANDLED_EVENTS:
        _handle(scope, event)
        _defer_unless_handled(scope, event)
    if (event.status, event.reason) == before:
        # How and when it was found when it counted; by now more is known.
        event.matched_by, event.lookups, event.processed_at = how
    return before[0], event


def _locked(scope: TenantScope, environment: Environment, event_id: str) -> StripeEvent:
    name = (scope.organisation.id, environment, event_id)
    return scope.session.get_one(StripeEvent, name, with_for_update=True, populate_existing=True)


def handle_waiting(scope: TenantScope, environment: Environment, payment_intent_id: str) -> None:
    """Handle the events that came before their payment was known, in the transaction in which it becomes known.

    An event that its job is handling at this moment is left to the job.
    """
    waiting = (
        select(StripeEvent)
        .where(
            StripeEvent.organisation_id == scope.organisation.id,
            StripeEvent.environment == environment,
            StripeEvent.waits_for == payment_intent_id,
        )
        .order_by(StripeEvent.received_at, StripeEvent.event_id)
        .with_for_update(skip_locked=True)
    )
    for event in scope.session.scalars(waiting).all():
        was_given_up = event.status not in TO_HANDLE
        _handle(scope, event)
        if was_given_up:  # any other has a job
            _defer_unless_handled(scope, event)


def _handle(scope: TenantScope, event: StripeEvent) -> None:
    """Handle an event that nobody else can reach, and record what came of it; what goes wrong is undone."""
    search = Search(scope, event.environment)  # type: ignore[arg-type]
    if lacking(event) is not None:
        # Not in a transaction; the job does.
        event.reason = NOT_FETCHED
        return
    try:
        with scope.session.begin_nested():
            handle(search, event.type, event.subject)
    except SetAside as refusal:
        _record(event, "set_aside", search, str(refusal))
        log.warning("stripe.event_set_aside", event_id=event.event_id, reason=str(refusal))
        _raise_if_ours(scope, event)
    except NotYet as waits:
        # Not for ever: an account may take payments that are not ours.
        _record(event, "received" if event.attempts < MOST_WAITS else "set_aside", search, str(waits))
        event.waits_for = waits.payment_intent_id
    except DataError:
        # It would be so at every attempt.
        _record(event, "set_aside", search, "it has a value that the database cannot keep")
        log.exception("stripe.event_set_aside", event_id=event.event_id, reason=event.reason)
        _raise_if_ours(scope, event)
    except Exception as error:
        _record(event, "failed", search, type(error).__name__)
        log.exception("stripe.event_failed", event_id=event.event_id, attempts=event.attempts)
    else:
        if event.attempts:
            clear_alarm(scope, SET_ASIDE, event.event_id)
        _record(event, "processed", search, None)
        if search.payment_intent_id is not None:
            handle_waiting(scope, search.environment, search.payment_intent_id)


def _raise_if_ours(scope: TenantScope, event: StripeEvent) -> None:
    """Have a person look at what was set aside, unless it may be about a payment that is not this server's.

    Stripe forgets nothing that we ask for: where it does not have that, endpoint and key are of two accounts.
    """
    metadata = event.subject.get("metadata")
    named = metadata.get("organisation_id") if isinstance(metadata, dict) else None
    if event.payment_id is not None or named == scope.organisation.id or event.subject.get(MISSING):
        raise_alarm(scope, SET_ASIDE, event.event_id, f"{event.type}: {event.reason}")


def _record(event: StripeEvent, status: str, search: Search, reason: str | None) -> None:
    event.status = status
    event.attempts += 1
    event.reason = reason
    event.lookups = ", ".join(search.tried) or NOTHING_TRIED
    event.matched_by = search.matched_by
    event.payment_id = search.payment_id
    event.waits_for = None
    event.processed_at = None if status in TO_HANDLE else utcnow()
