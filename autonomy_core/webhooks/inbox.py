"""The inbox stores and handles an event in one transaction, and retries it until it is handled.

If the process dies before the commit, nothing is stored or answered, and the provider delivers the event
again. A failed handler is rolled back to a savepoint, and the event is committed as ``failed`` with a job
that retries it. An event is ``processed`` only in the transaction that did its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, SQLAlchemyError

from autonomy_core.alarms.services import clear_alarm, raise_alarm
from autonomy_core.db.base import utcnow
from autonomy_core.errors import Unavailable
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.kernel.webhooks import BadEvent, Delivery, NotYet, Search, SetAside, WebhookSource
from autonomy_core.payments.domain import ProofFailed
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks.domain import (
    ATTEMPT_LIMIT,
    NOT_HANDLED,
    NOTHING_TRIED,
    RACE_AFTER_S,
    RETRY_AFTER_S,
    TO_HANDLE,
    reason_not_fetched,
)
from autonomy_core.webhooks.fetching import Complete, completed, is_incomplete, lacking, subject_of
from autonomy_core.webhooks.models import WebhookEvent
from autonomy_core.webhooks.sources import source_named

log = structlog.get_logger(__name__)

HANDLE_JOB = "webhooks.handle_event"

STATEMENT_TIMEOUT_S = 10
"""Limit of a statement, including its wait for locks, while the provider waits. The job may take longer."""

SET_ASIDE = "webhooks.event_set_aside"
"""The alarm about an event of the organisation that no later event can correct."""

STORE = insert(WebhookEvent).on_conflict_do_nothing().returning(WebhookEvent)


class EventNotStored(Unavailable):
    """The event could not be stored; the provider will send it again."""

    code, title = "event_not_stored", "The event could not be stored"


def receive(
    scope: TenantScope, source: WebhookSource, delivery: Delivery, *, complete: Complete = completed
) -> str:
    """Store an event and handle it in one transaction. A final event is not handled again.

    The first of simultaneous deliveries handles the event: at the unique key the others await its commit.

    Args:
        scope: the organisation; its own transaction is not used.
        source: the provider.
        delivery: the event.
        complete: fetches the object of the event, like `completed`.

    Returns:
        The status of the event. The job will handle ``received`` and ``failed`` events.

    Raises:
        BadEvent: the event has a value that PostgreSQL cannot store.
        EventNotStored: the database is not available.
    """
    status = source.handle_fast(scope, delivery, STATEMENT_TIMEOUT_S)
    if status is not None:
        return status
    if is_incomplete(source, delivery):
        if (known := _final_status(scope, source, delivery)) is not None:
            return known
        delivery = complete(scope, source, delivery)
    try:
        with scope.begin(timeout=STATEMENT_TIMEOUT_S) as own:
            return _store_and_handle(own, source, delivery)
    except (BadEvent, EventNotStored):
        raise
    except Exception:
        # The transaction is lost. Store the event alone: every further delivery would fail in the same way.
        log.exception("webhook.event_interrupted", source=source.name, event_id=delivery.event_id)
    with _errors_of_storing(source, delivery), scope.begin(timeout=STATEMENT_TIMEOUT_S) as own:
        return store(own, source, delivery)


@contextmanager
def _errors_of_storing(source: WebhookSource, delivery: Delivery) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise BadEvent("It contains a character or a number that cannot be stored.") from None
    except RecursionError:
        # Python reads a little deeper nesting than it can write.
        raise BadEvent("It is nested too deeply.") from None
    except SQLAlchemyError as error:
        log.exception("webhook.event_not_stored", source=source.name, event_id=delivery.event_id)
        raise EventNotStored from error


def _store_and_handle(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> str:
    with _errors_of_storing(source, delivery):
        event = _insert(scope, source, delivery)
    if event is None:
        status = _status_of_known(scope, source, delivery)
        return _attempt_again(scope, source, delivery).status if status in TO_HANDLE else status
    if event.status in TO_HANDLE:
        _handle(scope, source, event)
        _defer_unless_handled(scope, event)
    return event.status


def _attempt_again(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> WebhookEvent:
    event = _locked(scope, source.name, delivery.environment, delivery.event_id)
    event.fetched = event.fetched or delivery.fetched
    return _attempt(scope, source, event)


def store(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> str:
    """Store an event for the job, unless it is stored already; return its status."""
    event = _insert(scope, source, delivery)
    if event is None:
        return _status_of_known(scope, source, delivery)
    _defer_unless_handled(scope, event)
    return event.status


def _insert(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> WebhookEvent | None:
    """Insert an event; None if it is stored already. An unhandled type becomes ``ignored``."""
    handled = delivery.type in source.handled
    values = {
        "organisation_id": scope.organisation.id,
        "source": source.name,
        "environment": delivery.environment,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "payload": delivery.payload,
        "fetched": delivery.fetched,
        "status": "received" if handled else "ignored",
        "reason": None if handled else NOT_HANDLED,
        "attempts": 0,
        "origin": delivery.origin,
        "received_at": utcnow(),
    }
    return scope.session.scalar(STORE, values)


def _final_status(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> str | None:
    """Read the status of an event in a separate transaction; None if it is not final."""
    key = (scope.organisation.id, source.name, delivery.environment, delivery.event_id)
    with _errors_of_storing(source, delivery), scope.begin(timeout=STATEMENT_TIMEOUT_S) as own:
        event = own.session.get(WebhookEvent, key)
        return None if event is None or event.status in TO_HANDLE else event.status


def _status_of_known(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> str:
    key = {
        "organisation_id": scope.organisation.id,
        "source": source.name,
        "environment": delivery.environment,
        "event_id": delivery.event_id,
    }
    return scope.session.scalars(select(WebhookEvent.status).filter_by(**key)).one()


def _defer_unless_handled(scope: TenantScope, event: WebhookEvent) -> None:
    if event.status in TO_HANDLE:
        key = {"source": event.source, "environment": event.environment, "event_id": event.event_id}
        wait = RACE_AFTER_S if event.waits_for is not None else RETRY_AFTER_S
        defer(scope, HANDLE_JOB, in_seconds=wait, **key)


def attempt(
    scope: TenantScope, source: WebhookSource, environment: Environment, event_id: str
) -> WebhookEvent:
    """Lock a stored event and handle it, unless it is final. The lock serialises simultaneous attempts."""
    return _attempt(scope, source, _locked(scope, source.name, environment, event_id))


def _attempt(scope: TenantScope, source: WebhookSource, event: WebhookEvent) -> WebhookEvent:
    if event.status in TO_HANDLE:
        _handle(scope, source, event)
    return event


def replay(
    scope: TenantScope, source: WebhookSource, environment: Environment, event_id: str
) -> tuple[str, WebhookEvent]:
    """Handle a stored event again, in any status.

    A settled payment stays settled. An event of an unhandled type stays ignored.

    Returns:
        The status before, and the event.
    """
    event = _locked(scope, source.name, environment, event_id)
    before, how = (event.status, event.reason), (event.matched_by, event.lookups, event.processed_at)
    if event.type in source.handled:
        _handle(scope, source, event)
        _defer_unless_handled(scope, event)
    if (event.status, event.reason) == before:
        # Keep the original lookups and time: the second attempt finds more than the first.
        event.matched_by, event.lookups, event.processed_at = how
    return before[0], event


def _locked(scope: TenantScope, source: str, environment: Environment, event_id: str) -> WebhookEvent:
    key = (scope.organisation.id, source, environment, event_id)
    return scope.session.get_one(WebhookEvent, key, with_for_update=True, populate_existing=True)


def handle_waiting(scope: TenantScope, source: str, environment: Environment, reference: str) -> None:
    """Handle the events that arrived before their payment was known, in the transaction that learns its ID.

    An event that a job is handling is skipped.

    Args:
        scope: the organisation, in that transaction.
        source: the name of the source.
        environment: of the payment.
        reference: the provider's ID of the payment, see `NotYet`.
    """
    found = source_named(scope, source)
    if found is not None:
        _handle_waiting(scope, found, environment, reference)


def _handle_waiting(
    scope: TenantScope, source: WebhookSource, environment: Environment, reference: str
) -> None:
    waiting = (
        select(WebhookEvent)
        .where(
            WebhookEvent.organisation_id == scope.organisation.id,
            WebhookEvent.source == source.name,
            WebhookEvent.environment == environment,
            WebhookEvent.waits_for == reference,
        )
        .order_by(WebhookEvent.received_at, WebhookEvent.event_id)
        .with_for_update(skip_locked=True)
    )
    for event in scope.session.scalars(waiting).all():
        was_given_up = event.status not in TO_HANDLE
        _handle(scope, source, event)
        if was_given_up:  # all others have a job
            _defer_unless_handled(scope, event)


def _handle(scope: TenantScope, source: WebhookSource, event: WebhookEvent) -> None:
    """Handle an event that this transaction has locked or inserted, and record the result."""
    search = Search(scope, event.environment)
    if lacking(source, event) is not None:
        # The job fetches the object, outside of a transaction.
        event.reason = reason_not_fetched(source.title)
        return
    try:
        with forbid_commit(scope):
            source.handle(search, event.type, subject_of(source, event))
    except (SetAside, ProofFailed) as refusal:
        _set_aside(scope, source, event, search, str(refusal))
    except NotYet as waits:
        # The number of attempts is limited: an account may have payments of other servers.
        if event.attempts < ATTEMPT_LIMIT:
            _record(event, "received", search, str(waits))
        else:
            _set_aside(scope, source, event, search, str(waits))
        event.waits_for = waits.waits_for
    except DataError:
        # Every attempt would fail in the same way.
        _set_aside(
            scope, source, event, search, "it has a value that the database cannot keep", exc_info=True
        )
    except (Exception, SystemExit) as error:
        _record(event, "failed", search, type(error).__name__)
        log.exception(
            "webhook.event_failed", source=source.name, event_id=event.event_id, attempts=event.attempts
        )
    else:
        if event.attempts:
            clear_alarm(scope, SET_ASIDE, alarm_subject(event))
        _record(event, "processed", search, None)
        if search.reference is not None:
            _handle_waiting(scope, source, search.environment, search.reference)


def _set_aside(
    scope: TenantScope,
    source: WebhookSource,
    event: WebhookEvent,
    search: Search,
    reason: str,
    *,
    exc_info: bool = False,
) -> None:
    """Record that an event changes nothing, with an alarm if it belongs to this server."""
    _record(event, "set_aside", search, reason)
    write = log.error if exc_info else log.warning  # an unexpected value is an error of the handler
    write(
        "webhook.event_set_aside",
        source=source.name,
        event_id=event.event_id,
        reason=reason,
        exc_info=exc_info,
    )
    if event.payment_id is not None or source.concerns(scope, subject_of(source, event)):
        raise_alarm(scope, SET_ASIDE, alarm_subject(event), f"{event.type}: {reason}")


def alarm_subject(event: WebhookEvent) -> str:
    """Return the subject of an event's alarm, for example ``stripe/live/evt_1``.

    The event IDs of two sources may be equal.
    """
    return f"{event.source}/{event.environment}/{event.event_id}"


def _record(event: WebhookEvent, status: str, search: Search, reason: str | None) -> None:
    event.status = status
    event.attempts += 1
    event.reason = reason
    event.lookups = ", ".join(search.tried) or NOTHING_TRIED
    event.matched_by = search.matched_by
    event.payment_id = search.payment_id
    event.waits_for = None
    event.processed_at = None if status in TO_HANDLE else utcnow()
