"""The application with every installed plugin and one that is hostile, and two organisations in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import Autonomy
from customer_auth.providers import services
from tests.isolation import intruder
from tests.isolation.sides import NEUTRAL_HOST, StandInProvider, World, make_world


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


@pytest.fixture
def world(autonomy: Autonomy) -> World:
    """Two organisations; the changes of a test are rolled back."""
    return make_world(autonomy)


@pytest.fixture
def committed_world(committed: Autonomy) -> World:
    """Two organisations in a database of the test's own, reached through a pool of connections."""
    return make_world(committed)
