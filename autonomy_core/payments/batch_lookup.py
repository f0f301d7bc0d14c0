"""The lookup of several paid payments of a provider, and the statement that completes them.

A provider declares its tables, from which the statement is built. The statement finds and locks the payments,
stores the provider's events, and completes the ordinary payments: open ones without refunds, disputes, coupon
or bundle. It puts their receipts into the outbox of mail. It does not change other payments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from autonomy_core.catalog.models import BUNDLE
from autonomy_core.db.base import Base
from autonomy_core.db.pipeline import Statement
from autonomy_core.kernel.settlements import PaymentFacts, Settlement
from autonomy_core.mail.services import OUTBOX_COLUMNS
from autonomy_core.payments.domain import OPEN
from autonomy_core.tenancy.domain import Environment


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """The table of a provider's events. An event is stored by the statement that completes its payment.

    The table has the columns ``organisation_id`` and ``environment``. A second event with the same key is not
    stored, and completes nothing.

    Attributes:
        model: the table.
        values: the columns whose values each `PaidReport` gives.
        constants: columns with the same value in all events that are stored here.
        payment: the column with the payment's id.
        times: the columns with the time at which the payment is completed.
        status: the column with the status of an event.
        waits_for: the column with the reference that an event waits for while its payment is unknown. A
            payment for which an event waits is not ordinary.
    """

    model: type[Base]
    values: Sequence[str]
    constants: Mapping[str, Any]
    payment: str
    times: Sequence[str]
    status: str
    waits_for: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BatchLookup:
    """How the reports of a provider find their payments. Make each lookup once: reports are grouped by it.

    Attributes:
        provider: the payments' provider.
        source: as in `Settlement`.
        model: the provider's table of payments, with the columns ``organisation_id`` and ``environment``.
        payment: its column with the payment's id.
        reference: its column by which a report finds the payment; unique in an environment.
        learns: its column that a report may fill: another reference of the provider for the payment.
        not_older_than: a payment that was opened earlier is not ordinary.
        events: the table of the provider's events.
    """

    provider: str
    source: str
    model: type[Base]
    payment: str
    reference: str
    learns: str
    not_older_than: timedelta
    events: EventTable

    def __repr__(self) -> str:
        """Return a short name, for the log."""
        return f"{self.provider} by {self.reference}"


@dataclass(frozen=True, slots=True)
class PaidReport:
    """A provider's report that a payment is paid.

    Attributes:
        environment: the payment's environment.
        reference: finds the payment, see `BatchLookup`.
        learnt: the value of the column `BatchLookup.learns`; None leaves the column unchanged.
        event: the event's `EventTable.values`, with JSON as text.
        settlement_of: returns the settlement, given the found payment and the earlier value of the column
            `BatchLookup.learns`. It raises if the report is not about this payment.
    """

    environment: Environment
    reference: str
    learnt: str | None
    event: Mapping[str, Any]
    settlement_of: Callable[[PaymentFacts, str | None], Settlement]


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]

FACTS = MappingProxyType(
    {
        "id": "p.id",
        "customer_id": "p.customer_id",
        "product_id": "p.product_id",
        "product_kind": "products.kind",
        "amount": "p.amount",
        "currency": "p.currency",
        "environment": "p.environment",
        "provider": "p.provider",
    }
)
"""The column of each member of `PaymentFacts`."""

# Skip locked payments instead of waiting: the other transaction may be handling the same event. Rows are
# ordered by product, because hooks run in this order and so lock the products' rows in a consistent order.
_TEXT = """
WITH arrived AS (
    SELECT * FROM unnest(%(environment)s::text[], %(reference)s::text[], %(learnt)s::text[], {event_arrays})
        WITH ORDINALITY AS arrived(environment, reference, learnt, {event_names}, place)
), found AS (
    SELECT arrived.place, arrived.learnt, locked.* FROM arrived CROSS JOIN LATERAL (
        SELECT named.{learns} AS known, p.status AS before,
            p.status IN ({open}) AND NOT p.reversals AND p.coupon_id IS NULL AND products.kind <> '{bundle}'
                AND p.created_at > %(opened_after)s::timestamptz AND NOT EXISTS (
                    SELECT FROM {events} waiting
                    WHERE {waiting_key} AND waiting.{waits_for} = arrived.learnt
                ) AS ordinary,
            {facts}
        FROM {payments} named
        JOIN payments p ON p.organisation_id = named.organisation_id AND p.id = named.{payment}
        JOIN products ON products.organisation_id = p.organisation_id AND products.id = p.product_id
        WHERE named.organisation_id = %(organisation_id)s AND named.environment = arrived.environment
            AND named.{reference} = arrived.reference
        FOR UPDATE OF named, p SKIP LOCKED
    ) locked
), stored AS (
    INSERT INTO {events} ({event_columns})
    SELECT {event_row}
    FROM found JOIN arrived USING (place) WHERE ordinary
    ORDER BY place
    ON CONFLICT DO NOTHING RETURNING {event_payment} AS payment_id
), learning AS (
    UPDATE {payments} named
    SET {learns} = (SELECT learnt FROM found WHERE found.id = named.{payment})
    WHERE named.organisation_id = %(organisation_id)s AND named.{payment} = ANY (ARRAY(
        SELECT payment_id FROM stored JOIN found ON found.id = payment_id
        WHERE learnt IS NOT NULL AND learnt IS DISTINCT FROM known
    ))
), completed AS (
    UPDATE payments
    SET status = 'completed', settled_by = %(source)s, failure_reason = NULL,
        completed_at = %(now)s::timestamptz, updated_at = %(now)s::timestamptz
    WHERE organisation_id = %(organisation_id)s AND id = ANY (ARRAY(SELECT payment_id FROM stored))
), journal AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    SELECT %(organisation_id)s::text, (%(entry_ids)s::uuid[])[found.place], found.id, %(now)s::timestamptz,
        'settled',
        jsonb_build_object('before', found.before, 'after', 'completed', 'source', %(source)s::text)
    FROM found JOIN stored ON stored.payment_id = found.id
), hook_runs AS (
    INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
    SELECT %(organisation_id)s::text, stored.payment_id, plugin, 'succeeded', 1, %(now)s::timestamptz
    FROM stored, unnest(%(plugins)s::text[]) plugin
), receipts AS (
    INSERT INTO mail_messages ({mail_columns})
    SELECT %(organisation_id)s::text, mail_id, %(receipt)s::text, customers.email,
        jsonb_build_object('payment_id', found.id), customers.id, customers.locale, 'receipt:' || found.id,
        '<' || mail_id || '@' || %(sender_domain)s::text || '>', 'queued', 0, %(now)s::timestamptz,
        %(now)s::timestamptz
    FROM stored JOIN found ON found.id = stored.payment_id
    JOIN customers ON customers.organisation_id = %(organisation_id)s AND customers.id = found.customer_id,
    LATERAL (SELECT (%(receipt_ids)s::uuid[])[found.place] AS mail_id) mail
    ON CONFLICT (organisation_id, once) DO NOTHING
)
SELECT
    arrived.place,
    CASE WHEN stored.payment_id IS NULL THEN (SELECT {status} FROM {events} event WHERE {event_key}) END,
    stored.payment_id IS NOT NULL, found.known, found.before, {found_facts}
FROM arrived LEFT JOIN found USING (place) LEFT JOIN stored ON stored.payment_id = found.id
ORDER BY found.product_id, arrived.place
"""


@cache
def statement_of(lookup: BatchLookup) -> Statement:
    """Return the statement that finds payments, stores events and completes payments.

    `batches` gives the values.
    """
    events = lookup.events
    row = _event_row(events)
    key = [column.name for column in events.model.__table__.primary_key]
    arrays = {name: _type(events, name) for name in events.values if not is_json(events, name)}
    text = _TEXT.format(
        payments=lookup.model.__tablename__,
        payment=lookup.payment,
        reference=lookup.reference,
        learns=lookup.learns,
        open=", ".join(f"'{status}'" for status in OPEN),
        bundle=BUNDLE,
        facts=", ".join(f"{column} AS {name}" for name, column in FACTS.items()),
        found_facts=", ".join(f"found.{name}" for name in FACTS),
        mail_columns=", ".join(OUTBOX_COLUMNS),
        events=events.model.__tablename__,
        event_arrays=", ".join(f"%(event_{name})s::{type_}[]" for name, type_ in arrays.items()),
        event_names=", ".join(f"event_{name}" for name in arrays),
        event_columns=", ".join(row),
        event_row=", ".join(row.values()),
        event_payment=events.payment,
        event_key=_equal("event", {name: row[name] for name in key}),
        waiting_key=_equal("waiting", {name: row[name] for name in key if name not in events.values}),
        waits_for=events.waits_for,
        status=events.status,
    )
    return Statement(text, constants={f"event_{name}": value for name, value in events.constants.items()})


def is_json(events: EventTable, name: str) -> bool:
    """Return whether a column of the events' table contains JSON. Its values are sent as one JSON list."""
    return isinstance(events.model.__table__.columns[name].type, JSON)


def _event_row(events: EventTable) -> dict[str, str]:
    """Return the columns of a new row of the events' table, each with the expression of its value."""
    return {
        "organisation_id": "%(organisation_id)s::text",
        "environment": "arrived.environment",
        **{name: _given(events, name) for name in events.values},
        **{name: f"%(event_{name})s::{_type(events, name)}" for name in events.constants},
        events.payment: "found.id",
        **dict.fromkeys(events.times, "%(now)s::timestamptz"),
    }


def _given(events: EventTable, name: str) -> str:
    if is_json(events, name):
        return f"%(event_{name})s::jsonb -> (place - 1)::int"
    return f"arrived.event_{name}"


def _type(events: EventTable, name: str) -> str:
    return events.model.__table__.columns[name].type.compile(_DIALECT)


def _equal(table: str, values: Mapping[str, str]) -> str:
    return " AND ".join(f"{table}.{name} = {value}" for name, value in values.items())
