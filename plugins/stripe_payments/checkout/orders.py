"""The parameters of a checkout session, and the prices that Stripe collects.

Source: https://docs.stripe.com/api/checkout/sessions/create and https://docs.stripe.com/currencies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import idna

from autonomy_core.plugin_api.protocols import CheckoutOrder
from stripe_payments.api.amounts import (
    LARGEST,
    CurrencyNotTaken,
    InexactAmount,
    minimum,
    require_taken,
    to_stripe,
)
from stripe_payments.api.words import ADDRESS

SESSION_LIFE = timedelta(hours=24)
"""How long a checkout session can be paid, and how long Stripe keeps an idempotency key."""


UNTITLED = "Untitled"
"""The name of a product whose title has no visible characters."""


def address_for_stripe(address: str) -> str | None:
    """Return an e-mail address in the form that Stripe accepts, with an ASCII domain.

    Return None if Stripe refuses the address. Stripe answers ``email_invalid`` to a local part that is not
    ASCII, although RFC 6531 allows it.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        return None
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None


def session_parameters(
    organisation_id: str, order: CheckoutOrder, *, automatic_tax: bool = False
) -> dict[str, Any]:
    """Return the parameters of a checkout session.

    They are stored, because Stripe accepts only the same parameters under the same idempotency key.

    Args:
        organisation_id: the organisation.
        order: what the buyer pays for.
        automatic_tax: whether Stripe computes the tax. The price contains it, so the buyer pays the same:
            https://docs.stripe.com/tax/products-prices-tax-codes-tax-behavior#tax-behavior.

    Raises:
        CurrencyNotTaken, InexactAmount: Stripe cannot collect the amount.
    """
    require_taken(order.currency)
    # In both objects, so that events about either of them lead to the payment.
    metadata = {"organisation_id": organisation_id, "payment_id": str(order.payment_id)}
    price = {
        "currency": order.currency,
        "unit_amount": to_stripe(order.amount, order.currency),
        # Stripe refuses a blank name.
        "product_data": {"name": order.title.strip() or UNTITLED},
        **({"tax_behavior": "inclusive"} if automatic_tax else {}),
    }
    address = address_for_stripe(order.customer_email)
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        **({"automatic_tax": {"enabled": True}} if automatic_tax else {}),
        "client_reference_id": str(order.payment_id),
        **({ADDRESS: address} if address else {}),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": f"{order.api_url}checkout/stripe/return?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": order.cancel_url,
    }


def price_problem(amount: int, currency: str) -> str | None:
    """Return why Stripe would not collect a price, in a sentence for staff; None if it would.

    Args:
        amount: in the minor unit of the currency, more than 0.
        currency: ISO 4217, lower case.
    """
    try:
        require_taken(currency)
        counted = to_stripe(amount, currency)
    except (CurrencyNotTaken, InexactAmount) as error:
        return f"Stripe cannot collect it: {error}."
    if counted > LARGEST:
        return f"Stripe collects no more than 8 digits of {currency}."
    least = minimum(currency)
    if amount < least:
        return f"Stripe collects at least {least} {currency} in the minor unit; 0 is free of charge."
    return None
