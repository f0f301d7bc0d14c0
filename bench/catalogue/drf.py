"""The contender with `bench.catalogue.drf_shop`: Django and Django REST framework."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autonomy_core.db.embedded import EmbeddedServer
from bench.catalogue import by_hand, shops
from bench.contender import Contender, over_http
from bench.server import ROOT, serving
from bench.webhooks.djstripe import database_of

NAME = "drf"
PYTHON = ROOT / "var" / "drf" / "bin" / "python"
"""The interpreter of a separate environment, which `make bench` makes."""


def is_installed() -> bool:
    """Return whether the environment exists."""
    return PYTHON.exists()


@contextmanager
def contender(postgresql: EmbeddedServer, directory: Path, connections: int) -> Iterator[Contender]:
    """Serve the catalogue with Django REST framework, on the tables of `by_hand`, during the block."""
    by_hand.make_shop(postgresql, NAME)
    environment = {
        **database_of(postgresql.url(NAME)),
        "DJANGO_SETTINGS_MODULE": "bench.catalogue.drf_shop.settings",
        "POOL_SIZE": str(connections),
    }
    served = serving(
        "django.core.wsgi:get_wsgi_application",
        threads=connections,
        environment=environment,
        log=directory / f"{NAME}.log",
        python=str(PYTHON),
    )
    with served as server:
        yield shops.contender(NAME, server.url, over_http(server, shops.request, connections))
