"""The call about the caller's account (https://docs.stripe.com/api/accounts)."""

from __future__ import annotations

from stripe_payments.simulator.api.call import Call, Document


def retrieve(call: Call) -> Document:
    """Return the caller's account."""
    return call.own("account", call.account, "account", param="id").body
