"""The contender with `bench.catalogue.flask_app`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from autonomy_core.db.embedded import EmbeddedServer
from bench.catalogue import shops
from bench.catalogue.flask_app import Base
from bench.contender import Contender, over_http
from bench.database import conninfo, execute
from bench.server import serving

NAME = "flask"
FILL = """
    WITH numbers AS (
        SELECT 'shop-' || lpad(o::text, 2, '0') AS organisation_id, p,
            'shop-' || lpad(o::text, 2, '0') || ' ' || lpad(p::text, 3, '0') AS title
        FROM generate_series(0, %(organisations)s - 1) o, generate_series(0, %(products)s - 1) p
    ), shops AS (
        INSERT INTO organisations SELECT DISTINCT organisation_id, organisation_id || '.example' FROM numbers
    ), sold AS (
        INSERT INTO products
        SELECT organisation_id, p, 'slug-' || p, title, 'The Harbour Band', 'Harbour Street',
            'Recorded *live* in a lighthouse.', 'mp3', 1200, 'eur', false, NULL, '2024-02-29', false,
            '{ambient,tides}', '{en}', false, NULL
        FROM numbers
    ), pictured AS (
        INSERT INTO covers
        SELECT organisation_id, p, md5(title), 1400, 1400, '#102030', NULL FROM numbers
    )
    INSERT INTO prices SELECT organisation_id, p, 'usd', 1300 FROM numbers
"""


def make_shop(postgresql: EmbeddedServer, name: str) -> None:
    """Create a database with the tables, the organisations and their products."""
    postgresql.create_database(name)
    engine = create_engine(postgresql.url(name))
    Base.metadata.create_all(engine)
    engine.dispose()
    address = conninfo(postgresql, name)
    execute(address, FILL, {"organisations": shops.COUNT, "products": shops.PRODUCTS})
    execute(address, "ANALYZE")


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve the hand-written catalogue during the block."""
    make_shop(postgresql, NAME)
    environment = {"DATABASE_URL": postgresql.url(NAME), "POOL_SIZE": str(connections)}
    factory, log = "bench.catalogue.flask_app:create_app", directory / f"{NAME}.log"
    with serving(factory, threads=connections, environment=environment, log=log) as server:
        yield shops.contender(NAME, server.url, over_http(server, shops.request, connections))
