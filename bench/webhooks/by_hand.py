"""The contender that is `bench.webhooks.flask_app`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from autonomy_core.db.embedded import EmbeddedServer
from bench.webhooks import events
from bench.webhooks.contender import Contender, over_http
from bench.webhooks.database import conninfo, execute
from bench.webhooks.flask_app import Base
from bench.webhooks.server import serving

NAME = "flask"
PRODUCTS = "INSERT INTO products SELECT n, 'Recording ' || n FROM generate_series(0, 19) n"
PENDING = """
    WITH numbers AS (SELECT n FROM generate_series(%(first)s::int, %(last)s::int) n),
    buyers AS (INSERT INTO customers SELECT n, 'buyer' || n || '@example.org' FROM numbers)
    INSERT INTO payments (id, customer_id, product_id, session_id, status, amount, currency)
    SELECT n, n, n %% 20, 'cs_test_bench' || lpad(n::text, 12, '0'), 'pending', 1200, 'eur' FROM numbers
"""
SETTLED = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'completed'), count(*), count(DISTINCT payment_id) FROM grants
"""


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """The shop written by hand, served until the end of the block."""
    postgresql.create_database(NAME)
    engine = create_engine(postgresql.url(NAME))
    Base.metadata.create_all(engine)
    engine.dispose()
    address = conninfo(postgresql, NAME)
    execute(address, PRODUCTS)
    environment = {
        "DATABASE_URL": postgresql.url(NAME),
        "WEBHOOK_SECRET": events.SECRET,
        "POOL_SIZE": str(connections),
    }
    factory, log = "bench.webhooks.flask_app:create_app", directory / f"{NAME}.log"
    with serving(factory, threads=connections, environment=environment, log=log) as server:
        yield Contender(NAME, address, PENDING, SETTLED, over_http(server, _request, connections))


def _request(number: int) -> bytes:
    event = events.completed_event(number, reference=str(number), metadata={"payment_id": str(number)})
    return events.signed_request("/webhook", event)
