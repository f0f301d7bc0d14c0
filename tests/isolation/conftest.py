"""The application with every installed plugin and one that is hostile, and two organisations in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from autonomy_core.testing.plugin import _forget_organisations
from customer_auth.providers import services
from tests.isolation import intruder
from tests.isolation.sides import NEUTRAL_HOST, StandInProvider, World, make_world, reopened
from tests.support.hashes import cheap_hashes


@pytest.fixture(scope="module", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    with cheap_hashes():
        yield


@pytest.fixture(scope="module")
def autonomy_plugins() -> Plugins:
    installed = Plugins.from_entry_points().modules
    return Plugins({**installed, stand_ins.NAME: stand_ins, intruder.NAME: intruder})


@pytest.fixture(scope="module")
def autonomy_settings() -> dict[str, str]:
    return {"autonomy.hosts": NEUTRAL_HOST}


@pytest.fixture(autouse=True)
def no_orders() -> Iterator[None]:
    yield
    intruder.orders.act = None


@pytest.fixture(autouse=True)
def stand_in_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """No provider of identities is called; what its answers lead to is attacked."""
    monkeypatch.setattr(services, "_protocol", lambda scope: StandInProvider())


KEPT_S = 120
"""How long tests use a world, in seconds. In an older one, logins would no longer be recent."""


@dataclass(frozen=True)
class Made:
    """A world in two databases.

    Attributes:
        world: the two organisations.
        shared: the database of tests whose changes are rolled back.
        template: a database without connections, for tests that commit: each gets a copy.
        at: when it was made, on the clock of `monotonic`, in seconds.
    """

    world: World
    shared: str
    template: str
    at: float


class Worlds:
    """Makes the world of each application, and again when it is too old."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._made: dict[int, Made] = {}

    def current(self, autonomy: Autonomy) -> Made:
        made = self._made.pop(id(autonomy), None)
        if made is not None and monotonic() - made.at > KEPT_S:
            self._server.drop_database(made.shared)
            self._server.drop_database(made.template)
            made = None
        return self._made.setdefault(id(autonomy), made or self._make(autonomy))

    def _make(self, autonomy: Autonomy) -> Made:
        at, database = monotonic(), autonomy.database
        shared, template = (f"{name}_{uuid4().hex}" for name in ("world", "template"))
        with database.of_its_own():
            world = make_world(autonomy)
            database.dispose()
            for name in (shared, template):
                self._server.create_database(name, template=make_url(database.url).database)
        _forget_organisations(autonomy)
        return Made(world, shared, template, at)


@pytest.fixture(scope="session")
def worlds(postgresql: EmbeddedServer) -> Worlds:
    return Worlds(postgresql)


@pytest.fixture
def committed_world(worlds: Worlds, _application: Autonomy, postgresql: EmbeddedServer) -> Iterator[World]:
    """Two organisations in a database of the test's own, reached through a pool of connections."""
    made, name = worlds.current(_application), f"test_{uuid4().hex}"
    postgresql.create_database(name, template=made.template)
    with _application.database.named(name):
        yield reopened(made.world)
    _forget_organisations(_application)
    postgresql.drop_database(name)


@pytest.fixture
def world(worlds: Worlds, _application: Autonomy) -> Iterator[World]:
    """Two organisations on one connection; the changes of a test are rolled back.

    They are committed: PostgreSQL reads uncommitted rows slowly, because for each it searches the list of the
    transaction's savepoints.
    """
    made = worlds.current(_application)
    with _application.database.named(made.shared), _application.database.rolled_back():
        yield reopened(made.world)
    _forget_organisations(_application)
