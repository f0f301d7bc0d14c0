"""The least application that does the same work: WSGI, psycopg, and the statements of ``six.sql``; no framework.

It verifies and proves what ours verifies and proves, on our tables and as our role, whom the policies bind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from stripe import SignatureVerificationError, WebhookSignature

TENANT = "SELECT set_config('autonomy.organisation', 'bench', true)"
INBOX = """
    INSERT INTO stripe_payments_events
        (organisation_id, environment, event_id, type, payload, status, attempts, source, received_at)
    VALUES ('bench', 'test', %(event_id)s, %(type)s, %(payload)s, 'received', 1, 'webhook', now())
    ON CONFLICT DO NOTHING RETURNING status
"""
LOCK = """
    SELECT * FROM stripe_payments_payments s
    JOIN payments p ON p.organisation_id = s.organisation_id AND p.id = s.payment_id
    WHERE s.organisation_id = 'bench' AND s.session_id = %(session_id)s AND s.environment = 'test' FOR UPDATE OF p
"""
COMPLETE = """
    UPDATE payments SET status = 'completed', settled_by = 'webhook', updated_at = now(), completed_at = now()
    WHERE organisation_id = 'bench' AND id = %(id)s
"""
GRANT = """
    INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
    VALUES ('bench', %(grant_id)s, %(customer_id)s, %(product_id)s, %(id)s, 'test', 'media_mp3', now())
    ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING
"""
PROCESSED = """
    UPDATE stripe_payments_events
    SET status = 'processed', matched_by = 'session_id', payment_id = %(id)s, processed_at = now()
    WHERE organisation_id = 'bench' AND environment = 'test' AND event_id = %(event_id)s
"""
SIX = (TENANT, INBOX, LOCK, COMPLETE, GRANT, PROCESSED)
"""What an event is handled with, in this order."""

Environ = dict[str, Any]


@dataclass(frozen=True)
class BareShop:
    """The WSGI application.

    Attributes:
        secret: with which events are signed.
    """

    pool: ConnectionPool[Connection[dict[str, Any]]]
    secret: str

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer an event: 200 when it is settled, now or before; 400 when it is not believed."""
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
            settled = _settle(connection, event)
            if not settled:
                connection.rollback()
        return settled


def create_app() -> BareShop:
    """Make the application; the environment has ``DATABASE_URL``, ``WEBHOOK_SECRET`` and ``POOL_SIZE``."""
    size = int(os.environ["POOL_SIZE"])
    options = {"row_factory": dict_row}
    pool: Any = ConnectionPool(
        os.environ["DATABASE_URL"], min_size=size, max_size=size, kwargs=options, open=True
    )
    return BareShop(pool, os.environ["WEBHOOK_SECRET"])


def _settle(connection: Connection[dict[str, Any]], event: dict[str, Any]) -> bool:
    """Handle an event once; False if it does not fit the payment, and nothing of it is to stay."""
    session = event["data"]["object"]
    connection.execute(TENANT)
    received = {"event_id": event["id"], "type": event["type"], "payload": Jsonb(event)}
    if connection.execute(INBOX, received).fetchone() is None:
        return True
    payment = connection.execute(LOCK, {"session_id": session["id"]}).fetchone()
    if payment is None or not _proves(session, payment):
        return False
    if payment["status"] == "pending":
        connection.execute(COMPLETE, payment)
        connection.execute(GRANT, {**payment, "grant_id": uuid4()})
    connection.execute(PROCESSED, {"id": payment["id"], "event_id": event["id"]})
    return True


def _proves(session: dict[str, Any], payment: dict[str, Any]) -> bool:
    """Whether the session has collected just what the payment is about."""
    paid = session["payment_status"] == "paid"
    return paid and (session["amount_total"], session["currency"]) == (payment["amount"], payment["currency"])
