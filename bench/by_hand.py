"""The database of `bench.flask_app`, and the process that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from autonomy_core.db.embedded import EmbeddedServer
from bench.database import conninfo, execute
from bench.flask_app import Base
from bench.server import Server, serving

NAME = "flask"
ENVIRONMENT = {
    "STRIPE_KEY": f"sk_test_bench_{NAME}",
    "STRIPE_URL": "http://127.0.0.1:1",  # an unused port: a webhook makes no call to Stripe
    "TOKEN_SECRET": "for the benchmark only",
    "WEBHOOK_SECRET": "whsec_benchmark",
}
"""The environment of the application, besides its database."""

PRODUCTS = "INSERT INTO products SELECT n, 'Recording ' || n, 1200, 'eur' FROM generate_series(0, 19) n"


def make_shop(postgresql: EmbeddedServer, name: str) -> str:
    """Create a database with the shop's tables and 20 products; return its connection string."""
    postgresql.create_database(name)
    engine = create_engine(postgresql.url(name))
    Base.metadata.create_all(engine)
    engine.dispose()
    address = conninfo(postgresql, name)
    execute(address, PRODUCTS)
    return address


@contextmanager
def shop(
    postgresql: EmbeddedServer, directory: Path, threads: int, name: str = NAME, **environment: str
) -> Iterator[tuple[Server, str]]:
    """Serve the shop during the block; yield the server and the database's connection string.

    Args:
        postgresql: the PostgreSQL server.
        directory: the directory for the log.
        threads: the number of concurrent requests, each with a database connection.
        name: the name of the database.
        environment: overrides of `ENVIRONMENT`.
    """
    address = make_shop(postgresql, name)
    environment = {
        **ENVIRONMENT,
        **environment,
        "DATABASE_URL": postgresql.url(name),
        "POOL_SIZE": str(threads),
    }
    factory, log = "bench.flask_app:create_app", directory / f"{name}.log"
    with serving(factory, threads=threads, environment=environment, log=log) as server:
        yield server, address
