"""An organisation with a plugin that counts its executions, and a client that repeats requests."""

from __future__ import annotations

import pytest

from tests.functional.idempotency import works
from tests.functional.idempotency.shop import PLUGINS, open_shop


@pytest.fixture(scope="module")
def autonomy_plugins():
    return PLUGINS


@pytest.fixture(autouse=True)
def no_orders():
    yield
    works.orders.before = works.orders.after = None


@pytest.fixture
def shop(autonomy):
    return open_shop(autonomy)


@pytest.fixture
def other_shop(autonomy):
    return open_shop(autonomy, "beacon")


@pytest.fixture
def committed_shop(committed):
    return open_shop(committed)
