"""A minimal application that does the same work, without a framework.

It consists of WSGI, psycopg and the statements of ``six.sql``. It verifies and compares the same as ``ours``,
on the same tables and with the same role, to which row-level security applies. An event needs six round
trips, counted as the times that libpq waits for PostgreSQL: the organisation, which begins the transaction;
the inbox; the lock; the payment; the grant; and the processed event, which commits. A test counts them. A
known event needs three. Four would be enough, because nothing depends on the results of the payment and the
grant; six is the number to compare ``ours`` with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool
from stripe import SignatureVerificationError, WebhookSignature

BEGIN = "BEGIN; SELECT set_config('autonomy.organisation', 'bench', true)"
INBOX = """
    INSERT INTO webhook_events
        (organisation_id, source, environment, event_id, type, payload, status, attempts, origin, received_at)
    VALUES ('bench', 'stripe', 'test', %s, %s, %s::jsonb, 'received', 1, 'webhook', now())
    ON CONFLICT DO NOTHING RETURNING status
"""
LOCK = """
    SELECT p.id, p.customer_id, p.product_id, p.status, p.amount, p.currency FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    WHERE s.organisation_id = 'bench' AND s.session_id = %s AND s.environment = 'test' FOR UPDATE OF p
"""
COMPLETE = """
    UPDATE payments SET status = 'completed', settled_by = 'webhook', updated_at = now(), completed_at = now()
    WHERE organisation_id = 'bench' AND id = %s
"""
GRANT = """
    INSERT INTO grants
        (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
    VALUES ('bench', %s, %s, %s, %s, 'test', 'media_mp3', now())
    ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING
"""
PROCESSED = """
    UPDATE webhook_events
    SET status = 'processed', matched_by = 'session_id', payment_id = %s, processed_at = now()
    WHERE organisation_id = 'bench' AND source = 'stripe' AND environment = 'test' AND event_id = %s
"""
COMMIT = "COMMIT"
SIX = ((BEGIN,), (INBOX,), (LOCK,), (COMPLETE,), (GRANT,), (PROCESSED, COMMIT))
"""The statements for an event, by round trip."""

Environ = dict[str, Any]


@dataclass(frozen=True)
class BareShop:
    """The WSGI application.

    Attributes:
        pool: the pool of database connections.
        secret: the signing secret of events.
    """

    pool: ConnectionPool[Connection[TupleRow]]
    secret: str

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer an event: 200 if it is settled, now or before; 400 if it is not valid."""
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        settled = self._handle(body, environ.get("HTTP_STRIPE_SIGNATURE", ""))
        start_response("200 OK" if settled else "400 Bad Request", [("Content-Length", "0")])
        return [b""]

    def _handle(self, body: bytes, signature: str) -> bool:
        try:
            WebhookSignature.verify_header(body.decode(), signature, self.secret, tolerance=300)
            event = json.loads(body)
        except (ValueError, SignatureVerificationError):
            return False
        with self.pool.connection() as connection:
            settled = _settle(connection, event, body.decode())
            if not settled:
                connection.rollback()
        return settled


def create_app() -> BareShop:
    """Build the application.

    The environment contains ``DATABASE_URL``, ``WEBHOOK_SECRET`` and ``POOL_SIZE``.
    """
    size = int(os.environ["POOL_SIZE"])
    # The application sends BEGIN and COMMIT itself: psycopg would need a round trip for each.
    options = {"autocommit": True}
    pool: Any = ConnectionPool(
        os.environ["DATABASE_URL"], min_size=size, max_size=size, kwargs=options, open=True
    )
    return BareShop(pool, os.environ["WEBHOOK_SECRET"])


def _settle(connection: Connection[TupleRow], event: dict[str, Any], payload: str) -> bool:
    """Handle an event once; return False if it does not match the payment, so that it is rolled back.

    Args:
        connection: a connection in autocommit mode.
        event: the parsed event.
        payload: the event's text.
    """
    session = event["data"]["object"]
    cursor = connection.execute(BEGIN)
    if cursor.execute(INBOX, (event["id"], event["type"], payload)).fetchone() is None:
        return True
    payment = cursor.execute(LOCK, (session["id"],)).fetchone()
    if payment is None:
        return False
    payment_id, customer_id, product_id, status, *price = payment
    if not _proves(session, price):
        return False
    if status == "pending":
        cursor.execute(COMPLETE, (payment_id,))
        cursor.execute(GRANT, (uuid4(), customer_id, product_id, payment_id))
    with connection.pipeline():
        cursor.execute(PROCESSED, (payment_id, event["id"]))
        cursor.execute(COMMIT)
    return True


def _proves(session: dict[str, Any], price: list[Any]) -> bool:
    """Return whether the session collected exactly the payment's amount and currency."""
    return session["payment_status"] == "paid" and [session["amount_total"], session["currency"]] == price
