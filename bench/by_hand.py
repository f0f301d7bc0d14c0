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
    "STRIPE_URL": "http://127.0.0.1:1",  # where nobody listens: a webhook asks Stripe for nothing
    "TOKEN_SECRET": "for the benchmark alone",
    "WEBHOOK_SECRET": "whsec_benchmark",
}
"""What the application wants to know besides its database."""

PRODUCTS = "INSERT INTO products SELECT n, 'Recording ' || n, 1200, 'eur' FROM generate_series(0, 19) n"


def make_shop(postgresql: EmbeddedServer, name: str) -> str:
    """Make a database with the shop's tables and 20 products; gives its address."""
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
    """The shop served until the end of the block, and the address of its database.

    Args:
        threads: how many requests it handles at once, each with a connection to the database.
        name: of its database.
        environment: other than `ENVIRONMENT`.
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
