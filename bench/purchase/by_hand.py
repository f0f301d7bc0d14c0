"""The contender with `bench.flask_app`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from itsdangerous import URLSafeTimedSerializer

from autonomy_core.db.embedded import EmbeddedServer
from bench import by_hand
from bench.contender import Contender, over_http
from bench.database import prepare
from bench.load import post_request
from bench.purchase import simulator
from bench.purchase.outcome import counting
from bench.server import Server

NAME = by_hand.NAME
BUYERS = """
    INSERT INTO customers
    SELECT n, 'buyer' || n || '@example.org' FROM generate_series(%(first)s::int, %(last)s::int) n
"""
SESSIONS = "SELECT session_id FROM payments"
TOKENS = URLSafeTimedSerializer(by_hand.ENVIRONMENT["TOKEN_SECRET"])


@contextmanager
def contender(
    postgresql: EmbeddedServer, directory: Path, connections: int, stripe: Server
) -> Iterator[Contender]:
    """Serve the hand-written shop during the block."""
    environment = {"STRIPE_URL": stripe.url, "STRIPE_KEY": simulator.key(NAME)}
    with by_hand.shop(postgresql, directory, connections, **environment) as (server, address):
        yield Contender(
            NAME,
            partial(prepare, address, BUYERS),
            over_http(server, _request, connections, stripe),
            counting(NAME, address, SESSIONS, stripe),
        )


def _request(number: int) -> bytes:
    headers = {"Authorization": f"Bearer {TOKENS.dumps(number)}"}
    return post_request(f"/products/{number % 20}/purchase", b"{}", "application/json", headers)
