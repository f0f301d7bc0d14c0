"""The shapes of Stripe's objects at version 2026-10-28.endive, with every member the API describes.

Source: https://docs.stripe.com/api. Members that belong to features the simulator does not play are null, empty or
off, as they are at Stripe when a feature is not used.
"""

from __future__ import annotations

from stripe_simulator.objects.accounts import account, country_spec
from stripe_simulator.objects.catalog import price, product
from stripe_simulator.objects.payment_methods import payment_method
from stripe_simulator.objects.payments import charge, payment_intent
from stripe_simulator.objects.refunds import dispute, refund, withdrawal
from stripe_simulator.objects.sessions import delayed_method, line_item, session
from stripe_simulator.objects.webhooks import endpoint, event

__all__ = [
    "account",
    "charge",
    "country_spec",
    "delayed_method",
    "dispute",
    "endpoint",
    "event",
    "line_item",
    "payment_intent",
    "payment_method",
    "price",
    "product",
    "refund",
    "session",
    "withdrawal",
]
