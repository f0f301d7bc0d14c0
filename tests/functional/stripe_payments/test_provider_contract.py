"""The contract of payment providers for Stripe's provider, with the SDK against the simulator."""

import pytest
import requests
import stripe._stripe_client as sdk

from autonomy_core.testing.provider_contract import ProviderContract
from stripe_payments.testing import simulated_stripe, stripe_settings


@pytest.fixture(scope="module")
def simulator():
    with simulated_stripe(takes_live_keys=True) as server:
        yield server


@pytest.fixture(scope="module")
def autonomy_settings():
    """Without the simulator's address, where the plugin takes no live payments."""
    return {}


@pytest.fixture(autouse=True)
def at_stripes_address(monkeypatch, simulator):
    """Let the SDK use the simulator in place of Stripe's own address."""
    monkeypatch.setattr(sdk, "DEFAULT_API_BASE", simulator.url)


class TestStripeCheckout(ProviderContract):
    plugin = "stripe_payments"
    settings = stripe_settings()
    live_settings = stripe_settings(environment="live")

    def pay(self, autonomy, payment, checkout):
        requests.post(checkout.url, data={"action": "pay"}, allow_redirects=False, timeout=120)
