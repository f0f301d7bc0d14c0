"""The plugin in an application whose Stripe is the simulator, with a plugin that grants what is bought."""

import shutil

import pytest

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks.deliveries import DELIVERIES
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.testing import simulated_stripe
from tests.functional.stripe_payments.command_line import Site
from tests.functional.stripe_payments.shop import Shop, granting


@pytest.fixture(scope="session")
def simulator():
    with simulated_stripe() as server:
        yield server


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("stripe_payments").modules, "granting": granting})


@pytest.fixture(scope="module")
def autonomy_settings(simulator):
    return {"stripe_payments.api_base": simulator.url}


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch):
    """Remove the counts of other tests of this process."""
    monkeypatch.setattr(DELIVERIES, "_tallies", {})


@pytest.fixture
def shop(autonomy, simulator):
    return Shop(autonomy, simulator)


@pytest.fixture
def site(autonomy, simulator, monkeypatch):
    # The simulator needs no pause between the many calls of a test.
    monkeypatch.setattr(at_stripe, "_pace", at_stripe.Pace(10_000))
    made = Site(autonomy, simulator)
    yield made
    shutil.rmtree(made.directory / "secrets", ignore_errors=True)
