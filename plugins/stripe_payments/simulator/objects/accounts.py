"""Accounts (https://docs.stripe.com/api/accounts/object)."""

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
