"""The contender with `bench.flask_app`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from autonomy_core.db.embedded import EmbeddedServer
from bench import by_hand
from bench.contender import Contender, over_http
from bench.database import count, prepare
from bench.webhooks import events

WITH_8_THREADS = f"{by_hand.NAME}_8"
"""The name of the contender with its fastest number of threads, regardless of the number of connections."""

PENDING = """
    WITH numbers AS (SELECT n FROM generate_series(%(first)s::int, %(last)s::int) n),
    buyers AS (INSERT INTO customers SELECT n, 'buyer' || n || '@example.org' FROM numbers)
    INSERT INTO payments (id, customer_id, product_id, session_id, status, amount, currency)
    SELECT n, n, n %% 20, 'cs_test_bench' || lpad(n::text, 12, '0'), 'pending', 1200, 'eur' FROM numbers
"""
SETTLED = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'completed') AS "payments completed",
        count(*) AS grants, count(DISTINCT payment_id) AS "payments with a grant"
    FROM grants
"""


@contextmanager
def contender(
    postgresql: EmbeddedServer,
    directory: Path,
    connections: int,
    name: str = by_hand.NAME,
    most_threads: int | None = None,
) -> Iterator[Contender]:
    """Serve the hand-written shop during the block.

    Args:
        postgresql: the PostgreSQL server.
        directory: the directory for the log.
        connections: the number of connections.
        name: the name of the contender and of its database.
        most_threads: the maximum number of threads; by default one per connection.
    """
    threads = min(connections, most_threads or connections)
    shop = by_hand.shop(postgresql, directory, threads, name, WEBHOOK_SECRET=events.SECRET)
    with shop as (server, address):
        yield Contender(
            name,
            partial(prepare, address, PENDING),
            over_http(server, _request, connections),
            partial(count, address, SETTLED),
        )


def completed_event(number: int) -> dict[str, Any]:
    """Return the event that settles a payment of a shop with integer ids."""
    return events.completed_event(number, reference=str(number), metadata={"payment_id": str(number)})


def _request(number: int) -> bytes:
    return events.signed_request("/webhook", completed_event(number))
