"""What Stripe is asked for: the parameters of a checkout session, and which prices it collects.

Source: https://docs.stripe.com/api/checkout/sessions/create and https://docs.stripe.com/currencies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import idna

from autonomy_core.plugin_api.protocols import CheckoutOrder
from stripe_payments.api.amounts import CurrencyNotTaken, InexactAmount, minimum, require_taken, to_stripe
from stripe_payments.api.words import ADDRESS

SESSION_LIFE = timedelta(hours=24)
"""How long a checkout session can be paid, and how long Stripe keeps an idempotency key."""


UNTITLED = "Untitled"
"""What a product is called whose title has nothing to be seen in it."""


def address_for_stripe(address: str) -> str | None:
    """An e-mail address as Stripe takes it, its domain in ASCII; None for one that Stripe refuses.

    Stripe answers ``email_invalid`` to a local part that is not ASCII, as RFC 6531 allows it.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        return None
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None


def session_parameters(organisation_id: str, order: CheckoutOrder) -> dict[str, Any]:
    """The parameters of a checkout session. They are kept, because Stripe takes no others under the same
    idempotency key.

    Raises:
        CurrencyNotTaken, InexactAmount: Stripe cannot collect the amount.
    """
    require_taken(order.currency)
    # On both, so that events about either lead back to the payment.
    metadata = {"organisation_id": organisation_id, "payment_id": str(order.payment_id)}
    price = {
        "currency": order.currency,
        "unit_amount": to_stripe(order.amount, order.currency),
        # Stripe refuses a blank name.
        "product_data": {"name": order.title.strip() or UNTITLED},
    }
    address = address_for_stripe(order.customer_email)
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "client_reference_id": str(order.payment_id),
        **({ADDRESS: address} if address else {}),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": f"{order.api_url}checkout/stripe/return?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": order.cancel_url,
    }


def price_problem(amount: int, currency: str) -> str | None:
    """Why Stripe would not collect a price, in a sentence for staff; None if it would.

    Args:
        amount: in the minor unit of the currency, more than 0.
    """
    try:
        require_taken(currency)
        to_stripe(amount, currency)
    except (CurrencyNotTaken, InexactAmount) as error:
        return f"Stripe cannot collect it: {error}."
    least = minimum(currency)
    if amount < least:
        return f"Stripe collects at least {least} {currency} in the minor unit; 0 is free of charge."
    return None
