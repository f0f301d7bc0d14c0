"""The contender with `bench.webhooks.djstripe_shop`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import make_url

from autonomy_core.db.embedded import EmbeddedServer
from bench.contender import Contender, over_http
from bench.database import conninfo, count, execute, prepare
from bench.server import ROOT, ServerError, serving
from bench.webhooks import by_hand, events

NAME = "djstripe"
PYTHON = ROOT / "var" / "djstripe" / "bin" / "python"
"""The interpreter of a separate environment from `make bench`: dj-stripe needs an older Stripe SDK."""

SHOP = "bench.webhooks.djstripe_shop"
ENDPOINT = "00000000-0000-4000-8000-000000000000"
PRODUCTS = "INSERT INTO products (id, title) SELECT n, 'Recording ' || n FROM generate_series(0, 19) n"
PENDING = by_hand.PENDING.replace("INTO customers SELECT", "INTO customers (id, email) SELECT")


def is_installed() -> bool:
    """Return whether the environment exists."""
    return PYTHON.exists()


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve the shop with dj-stripe, and the replacement of Stripe, during the block."""
    postgresql.create_database(NAME)
    address = conninfo(postgresql, NAME)
    stand_in = serving(
        "bench.webhooks.stripe_stand_in:create_app",
        threads=connections,
        environment={},
        log=directory / "stripe.log",
    )
    with stand_in as stripe:
        environment = {
            **database_of(postgresql.url(NAME)),
            "DJANGO_SETTINGS_MODULE": f"{SHOP}.settings",
            "POOL_SIZE": str(connections),
            "STRIPE_URL": stripe.url,
        }
        _make_shop(environment)
        execute(address, PRODUCTS)
        served = serving(
            "django.core.wsgi:get_wsgi_application",
            threads=connections,
            environment=environment,
            log=directory / f"{NAME}.log",
            python=str(PYTHON),
        )
        with served as server:
            yield Contender(
                NAME,
                partial(prepare, address, PENDING),
                over_http(server, _request, connections, stripe),
                partial(count, address, by_hand.SETTLED),
            )


def database_of(url: str) -> Mapping[str, str]:
    """Return the environment that names a database to the settings of a Django project."""
    parts = make_url(url)
    return {
        "DATABASE_NAME": str(parts.database),
        "DATABASE_USER": str(parts.username),
        "DATABASE_HOST": str(parts.query["host"]),
        "DATABASE_PORT": str(parts.query["port"]),
    }


def _make_shop(environment: Mapping[str, str]) -> None:
    command = [PYTHON, "-m", SHOP, ENDPOINT, events.SECRET]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerError(f"dj-stripe's database cannot be created: {done.stderr[-2000:]}")


def _request(number: int) -> bytes:
    return events.signed_request(f"/stripe/webhook/{ENDPOINT}/", by_hand.completed_event(number))
