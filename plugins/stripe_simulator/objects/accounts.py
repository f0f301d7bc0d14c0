"""Accounts, and the properties of their countries (https://docs.stripe.com/api/accounts, …/country_specs)."""

from __future__ import annotations

import time
from typing import Any

Document = dict[str, Any]


def account(identifier: str) -> Document:
    """Return a new account."""
    return {
        "id": identifier,
        "object": "account",
        "business_profile": {"name": "Simulated account", "url": None},
        "charges_enabled": True,
        "country": "US",
        "created": int(time.time()),
        "default_currency": "usd",
        "details_submitted": True,
        "email": "account@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def country_spec(country: str, default_currency: str, currencies: list[str]) -> Document:
    """Return the properties of accounts in a ``country``; ``currencies`` are those of its payments."""
    nothing_more: Document = {"additional": [], "minimum": ["external_account", "tos_acceptance.date"]}
    return {
        "id": country,
        "object": "country_spec",
        "default_currency": default_currency,
        "supported_bank_account_currencies": {default_currency: [country]},
        "supported_payment_currencies": currencies,
        "supported_payment_methods": ["card", "stripe"],
        "supported_transfer_countries": [country],
        "verification_fields": {"company": nothing_more, "individual": nothing_more},
    }
