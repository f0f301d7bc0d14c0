"""The application with every installed plugin and one that is hostile, and two organisations in it."""

from __future__ import annotations

from collections.abc import Iterator
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
"""How long tests copy a world, in seconds. In an older one, logins would no longer be recent."""


class Worlds:
    """Makes the world, and the database that contains it, of which tests use copies."""

    def __init__(self, autonomy: Autonomy, server: EmbeddedServer) -> None:
        self._autonomy, self._server = autonomy, server
        self._made: tuple[World, str] | None = None
        self._made_at = 0.0

    def current(self) -> tuple[World, str]:
        if self._made is None or monotonic() - self._made_at > KEPT_S:
            self.remove()
            self._made_at = monotonic()
            self._made = self._make()
        return self._made

    def remove(self) -> None:
        if self._made is not None:
            self._server.drop_database(self._made[1])

    def _make(self) -> tuple[World, str]:
        name, database = f"world_{uuid4().hex}", self._autonomy.database
        with database.of_its_own(f"test_{uuid4().hex}"):
            world = make_world(self._autonomy)
            database.dispose()
            self._server.create_database(name, template=make_url(database.url).database)
        _forget_organisations(self._autonomy)
        return world, name


@pytest.fixture(scope="module")
def worlds(_application: Autonomy, postgresql: EmbeddedServer) -> Iterator[Worlds]:
    made = Worlds(_application, postgresql)
    yield made
    made.remove()


@pytest.fixture
def committed_world(worlds: Worlds) -> Iterator[World]:
    """Two organisations in a database of the test's own, reached through a pool of connections."""
    world, template = worlds.current()
    with world.autonomy.database.of_its_own(f"test_{uuid4().hex}", template=template):
        yield reopened(world)
    _forget_organisations(world.autonomy)


@pytest.fixture
def world(committed_world: World) -> Iterator[World]:
    """Two organisations on one connection; the changes of a test are rolled back.

    They are committed: PostgreSQL reads uncommitted rows slowly, because for each it searches the list of the
    transaction's savepoints.
    """
    with committed_world.autonomy.database.rolled_back():
        yield committed_world
