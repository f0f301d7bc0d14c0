"""The contender that is this project: the whole application, with the plugins that ship with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import autonomy_core
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import migrate
from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.runtime import APPLICATION_ROLE, components
from bench.webhooks import events
from bench.webhooks.contender import Contender, over_http
from bench.webhooks.database import conninfo, execute
from bench.webhooks.server import serving

NAME = "ours"
ORGANISATION = "bench"
TENANT = f"""\
[organisation]
name = Benchmark
hosts = shop.example
currency = {events.CURRENCY}
plugins = customer_auth, media_mp3, stripe_payments

[stripe_payments]
environment = test
test_secret_key = sk_test_benchmark
test_public_key = pk_test_benchmark
test_webhook_secret = {events.SECRET}
"""

PRODUCTS = """
    INSERT INTO products
        (organisation_id, id, title, description, kind, amount, currency, active, created_at, updated_at)
    SELECT 'bench', lpad(n::text, 32, '0')::uuid, 'Recording ' || n, '', 'mp3', 1200, 'eur', true, now(), now()
    FROM generate_series(0, 19) n
"""
PENDING = """
    WITH numbers AS (
        SELECT n, lpad(n::text, 32, '0')::uuid AS id FROM generate_series(%(first)s::int, %(last)s::int) n
    ), buyers AS (
        INSERT INTO customers (organisation_id, id, email, name, created_at)
        SELECT 'bench', id, 'buyer' || n || '@example.org', 'Ada', now() FROM numbers
    ), checkouts AS (
        INSERT INTO stripe_payments_payments
            (organisation_id, payment_id, environment, session_id, checkout_url, request, success_url, created_at)
        SELECT 'bench', id, 'test', 'cs_test_bench' || lpad(n::text, 12, '0'),
               'https://checkout.stripe.com/', '{}', 'https://shop.example/thanks', now()
        FROM numbers
    )
    INSERT INTO payments
        (organisation_id, id, customer_id, product_id, provider, environment, status, amount, currency,
         discount, refunded_amount, reversals, created_at, updated_at)
    SELECT 'bench', id, id, lpad((n %% 20)::text, 32, '0')::uuid, 'stripe_payments', 'test', 'pending', 1200, 'eur',
           0, 0, false, now(), now()
    FROM numbers
"""
SETTLED = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'completed'), count(*), count(DISTINCT payment_id) FROM grants
"""


def application() -> Any:
    """The WSGI application, as a server's ini file would configure it."""
    directory = Path(os.environ["BENCH_DIRECTORY"])
    settings = {
        "autonomy.tenants": str(directory / "tenants"),
        "autonomy.data": str(directory / "data"),
        "autonomy.pool_size": os.environ["POOL_SIZE"],
        "autonomy.log_format": "json",
        "sqlalchemy.url": os.environ["DATABASE_URL"],
    }
    return autonomy_core.main({}, **settings)


def make_shop(postgresql: EmbeddedServer, database: str) -> str:
    """Make a database with this project's tables and some products; gives its address."""
    postgresql.create_database(database)
    installed = components(Plugins.from_entry_points())
    migrate(postgresql.url(database), installed, application_role=APPLICATION_ROLE)
    address = conninfo(postgresql, database)
    execute(address, PRODUCTS)
    return address


def completed_event(number: int) -> dict[str, Any]:
    """The event that settles a payment."""
    payment_id = str(UUID(f"{number:032}"))
    metadata = {"organisation_id": ORGANISATION, "payment_id": payment_id}
    return events.completed_event(number, reference=payment_id, metadata=metadata)


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """This project, served until the end of the block."""
    address = make_shop(postgresql, NAME)
    home = directory / NAME
    (home / "tenants").mkdir(parents=True)
    (home / "tenants" / f"{ORGANISATION}.ini").write_text(TENANT, "utf-8")
    environment = {
        "BENCH_DIRECTORY": str(home),
        "DATABASE_URL": postgresql.url(NAME, APPLICATION_ROLE),
        "POOL_SIZE": str(connections),
    }
    factory, log = "bench.webhooks.ours:application", directory / f"{NAME}.log"
    with serving(factory, threads=connections, environment=environment, log=log) as server:
        yield Contender(NAME, address, PENDING, SETTLED, over_http(server, _request, connections))


def _request(number: int) -> bytes:
    return events.signed_request(f"/api/webhook/stripe/{ORGANISATION}", completed_event(number))
