"""Stripe's objects at version 2026-10-28.endive, with every member of the API.

Source: https://docs.stripe.com/api. Members of features that are not simulated are null, empty or off, as
they are at Stripe for unused features.
"""

from __future__ import annotations

from stripe_simulator.objects.accounts import account, country_spec
from stripe_simulator.objects.balances import balance_transaction
from stripe_simulator.objects.catalog import price, product
from stripe_simulator.objects.payment_methods import payment_method
from stripe_simulator.objects.payments import charge, payment_intent
from stripe_simulator.objects.refunds import dispute, refund
from stripe_simulator.objects.sessions import delayed_method, line_item, session
from stripe_simulator.objects.webhooks import endpoint, event

__all__ = [
    "account",
    "balance_transaction",
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
]
