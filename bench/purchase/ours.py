"""The contender that is this project, with the plugins that it includes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.plugin_api.scope import TenantScope
from bench.contender import Contender, over_http
from bench.database import execute, prepare
from bench.installation import ORGANISATION, install, tenant
from bench.load import HOST, post_request
from bench.purchase import simulator
from bench.purchase.outcome import counting
from bench.server import Server
from customer_auth.domain import AccessClaims
from customer_auth.sessions import access_tokens
from customer_auth.sessions.methods import Method

NAME = "ours"
TRACKS = """
    INSERT INTO media_mp3_tracks
        (organisation_id, id, product_id, position, title, duration_ms, bitrate, size, sha256, storage_key,
         filename, peaks, created_at)
    SELECT organisation_id, id, id, 1, title, 180000, 128000, 2880000, md5(title), id::text,
        'track.mp3', '', now()
    FROM products
"""
BUYERS = """
    WITH buyers AS (
        INSERT INTO customers (organisation_id, id, email, name, created_at)
        SELECT 'bench', lpad(n::text, 32, '0')::uuid, 'buyer' || n || '@example.org', 'Ada', now()
        FROM generate_series(%(first)s::int, %(last)s::int) n
        RETURNING organisation_id, id
    )
    INSERT INTO customer_auth_sessions (organisation_id, id, customer_id, created_at, expires_at)
    SELECT organisation_id, id, id, now(), now() + interval '1 day' FROM buyers
"""
SESSIONS = "SELECT session_id FROM stripe_payments_payments"
BODY = json.dumps({"success_url": f"https://{HOST}/thanks", "cancel_url": f"https://{HOST}/cancelled"})


@contextmanager
def contender(
    postgresql: EmbeddedServer, directory: Path, connections: int, stripe: Server
) -> Iterator[Contender]:
    """Serve this project during the block."""
    installation = install(
        postgresql,
        directory,
        NAME,
        connections=connections,
        tenant=tenant(simulator.key(NAME), "whsec_benchmark"),
        settings={"stripe_payments.api_base": stripe.url},
    )
    execute(installation.address, TRACKS)
    with installation.serving(connections) as server, installation.scope() as scope:
        yield Contender(
            NAME,
            partial(prepare, installation.address, BUYERS),
            over_http(server, partial(_request, scope), connections, stripe),
            counting(NAME, installation.address, SESSIONS, stripe),
        )


def _request(scope: TenantScope, number: int) -> bytes:
    now = datetime.now(UTC)
    buyer = login = UUID(f"{number:032}")
    claims = AccessClaims(
        ORGANISATION, buyer, login, now, now + timedelta(hours=1), now, frozenset({Method.PASSWORD})
    )
    headers = {"Authorization": f"Bearer {access_tokens.encode(scope, claims)}"}
    path = f"/api/v1/customers/products/{UUID(f'{number % 20:032}')}/purchase"
    return post_request(path, BODY.encode(), "application/json", headers)
