"""Stripe's provider keeps what every provider has to keep, with Stripe's SDK against the simulator."""

import requests

from autonomy_core.testing.provider_contract import ProviderContract
from stripe_payments.testing import stripe_settings


class TestStripeCheckout(ProviderContract):
    plugin = "stripe_payments"
    settings = stripe_settings()
    live_settings = stripe_settings(environment="live")

    def pay(self, autonomy, payment, checkout):
        requests.post(checkout.url, data={"action": "pay"}, allow_redirects=False, timeout=120)
