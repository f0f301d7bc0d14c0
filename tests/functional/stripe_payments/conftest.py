"""The plugin in an application whose Stripe is the simulator, with a plugin that grants what is bought."""

import pytest

from autonomy_core.plugin_api.manager import Plugins
from autonomy_core.testing.application import chosen_plugins
from stripe_payments.testing import simulated_stripe
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


@pytest.fixture
def shop(autonomy, simulator):
    return Shop(autonomy, simulator)
