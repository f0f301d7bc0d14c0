"""The contenders that are this project: ``ours`` and ``ours_busy``.

In both, three plugins have a hook for completed payments. In ``ours`` one of them delivers; in ``ours_busy``
all do work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

from autonomy_core.db.embedded import EmbeddedServer
from bench.contender import Contender, over_http
from bench.database import count, prepare
from bench.installation import ORGANISATION, Installation, install, offer, tenant
from bench.server import ROOT
from bench.webhooks import events

NAME = "ours"
BUSY = "ours_busy"
SHIPPED = tenant("sk_test_benchmark", events.SECRET)
TENANT = SHIPPED.replace("plugins = ", "plugins = letters, tickets, ")
PLUGINS = {"letters": "bench.webhooks.other_kinds.letters", "tickets": "bench.webhooks.other_kinds.tickets"}
BONUS = UUID(f"{20:032}")
BUSY_TENANT = f"""\
{SHIPPED.replace("plugins = ", "plugins = bonus_track, receipts, ")}
[bonus_track]
product_id = {BONUS}
"""
BUSY_PLUGINS = {"bonus_track": "bonus_track.plugin", "receipts": "bench.webhooks.receipts.plugin"}

PENDING = """
    WITH numbers AS (
        SELECT n, lpad(n::text, 32, '0')::uuid AS id FROM generate_series(%(first)s::int, %(last)s::int) n
    ), buyers AS (
        INSERT INTO customers (organisation_id, id, email, name, created_at)
        SELECT 'bench', id, 'buyer' || n || '@example.org', 'Ada', now() FROM numbers
    ), checkouts AS (
        INSERT INTO stripe_payments_payments
            (organisation_id, payment_id, environment, session_id, checkout_url, request, success_url,
             created_at)
        SELECT 'bench', id, 'test', 'cs_test_bench' || lpad(n::text, 12, '0'),
               'https://checkout.stripe.com/', '{}', 'https://shop.example/thanks', now()
        FROM numbers
    )
    INSERT INTO payments
        (organisation_id, id, customer_id, product_id, provider, environment, status, amount, currency,
         discount, refunded_amount, reversals, created_at, updated_at)
    SELECT 'bench', id, id, lpad((n %% 20)::text, 32, '0')::uuid, 'stripe_payments', 'test', 'pending',
           1200, 'eur', 0, 0, false, now(), now()
    FROM numbers
"""
SETTLED = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'completed') AS "payments completed",
        count(*) AS grants, count(DISTINCT payment_id) AS "payments with a grant"
    FROM grants
"""
SETTLED_BUSY = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'completed') AS "payments completed",
        (SELECT count(*) FROM bonus_track_bonuses) AS bonuses,
        (SELECT count(*) FROM receipts_receipts) AS receipts,
        count(*) FILTER (WHERE plugin = 'media_mp3') AS "grants of what was bought",
        count(DISTINCT payment_id) FILTER (WHERE plugin = 'media_mp3') AS "payments with a grant",
        count(*) FILTER (WHERE plugin = 'bonus_track') AS "grants of the bonus",
        count(DISTINCT payment_id) FILTER (WHERE plugin = 'bonus_track') AS "payments with a bonus"
    FROM grants
"""


def completed_event(number: int) -> dict[str, Any]:
    """Return the event that settles a payment."""
    payment_id = str(UUID(f"{number:032}"))
    metadata = {"organisation_id": ORGANISATION, "payment_id": payment_id}
    return events.completed_event(number, reference=payment_id, metadata=metadata)


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve this project, with two more plugins for other kinds of products, during the block."""
    path = [offer(directory / "other_kinds", PLUGINS), ROOT]
    installation = install(postgresql, directory, NAME, connections=connections, tenant=TENANT, path=path)
    with _served(installation, NAME, connections, SETTLED) as contender:
        yield contender


@contextmanager
def busy(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve this project, with two more plugins that do work for every completed payment."""
    path = [offer(directory / "plugins", BUSY_PLUGINS), ROOT / "examples" / "bonus_track", ROOT]
    installation = install(
        postgresql, directory, BUSY, connections=connections, tenant=BUSY_TENANT, path=path
    )
    with _served(installation, BUSY, connections, SETTLED_BUSY) as contender:
        yield contender


@contextmanager
def _served(
    installation: Installation, name: str, connections: int, settled: LiteralString
) -> Iterator[Contender]:
    with installation.serving(connections) as server:
        yield Contender(
            name,
            partial(prepare, installation.address, PENDING),
            over_http(server, request, connections),
            partial(count, installation.address, settled),
        )


def request(number: int) -> bytes:
    """Return the request with the event that settles a payment."""
    return events.signed_request(f"/api/webhook/stripe/{ORGANISATION}", completed_event(number))
