"""The contender with `bench.webhooks.bare_app`: psycopg without a framework."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.runtime import APPLICATION_ROLE
from bench.contender import Contender, over_http
from bench.database import conninfo, count, prepare
from bench.installation import install
from bench.server import serving
from bench.webhooks import events, ours

NAME = "psycopg_six"


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve it on the same tables as ``ours``, in its own database, with the same role."""
    address = install(postgresql, directory, NAME).address
    environment = {
        "DATABASE_URL": conninfo(postgresql, NAME, APPLICATION_ROLE),
        "WEBHOOK_SECRET": events.SECRET,
        "POOL_SIZE": str(connections),
    }
    factory, log = "bench.webhooks.bare_app:create_app", directory / f"{NAME}.log"
    with serving(factory, threads=connections, environment=environment, log=log) as server:
        yield Contender(
            NAME,
            partial(prepare, address, ours.PENDING),
            over_http(server, ours.request, connections),
            partial(count, address, ours.SETTLED),
        )
