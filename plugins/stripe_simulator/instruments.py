"""Stripe's test cards and test bank accounts: the number determines what happens.

Source: https://docs.stripe.com/testing and https://docs.stripe.com/payments/sepa-debit/accept-a-payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from stripe_simulator.errors import StripeError

Outcome = Literal["succeeded", "failed"]


@dataclass(frozen=True)
class Card:
    """A test card, and the results of payments with it."""

    last4: str
    declined: bool = False
    refund: Literal["succeeded", "pending", "failed"] = "succeeded"
    """``pending``: until the control call completes it. ``failed``: succeeds first, then fails."""
    dispute: str | None = None
    """The reason of the dispute of each payment."""
    inquiry: bool = False


CARDS = {
    "4242424242424242": Card("4242"),
    "4000000000000002": Card("0002", declined=True),
    "4000000000007726": Card("7726", refund="pending"),
    "4000000000005126": Card("5126", refund="failed"),
    "4000000000000259": Card("0259", dispute="fraudulent"),
    "4000000000002685": Card("2685", dispute="product_not_received"),
    "4000000000001976": Card("1976", dispute="fraudulent", inquiry=True),
}
ORDINARY = CARDS["4242424242424242"]

NAMES = {
    "visa": "4242424242424242",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
}
"""The names of the test cards in programs: ``tok_visa`` or ``pm_card_visa`` for ``visa``."""

IBANS: dict[str, Outcome] = {
    "AT611904300234573201": "succeeded",
    "AT861904300235473202": "failed",
    "DE89370400440532013000": "succeeded",
    "DE62370400440532013001": "failed",
    "IT60X0542811101000000123456": "failed",
}
"""The result of a debit of each account."""


def card(number: str) -> Card:
    """Return the test card of a number; without a number, the ordinary card.

    Raises StripeError for any other number.
    """
    compact = number.replace(" ", "")
    if not compact:
        return ORDINARY
    if compact not in CARDS:
        raise StripeError(
            f"Only test cards can be used here: {', '.join(CARDS)}.", code="incorrect_number", param="card"
        )
    return CARDS[compact]


def named_card(reference: str) -> Card | None:
    """Return the test card of a token or payment method, such as ``tok_visa`` or ``pm_card_visa``."""
    name = (
        reference.removeprefix("pm_card_") if reference.startswith("pm_") else reference.removeprefix("tok_")
    )
    return CARDS[NAMES[name]] if name in NAMES else None


def card_ending(last4: str) -> Card:
    """Return the test card whose number ends in ``last4``."""
    return next((card for card in CARDS.values() if card.last4 == last4), ORDINARY)


def account_ending(last4: str) -> Outcome:
    """Return the result of a debit of the test account whose number ends in ``last4``."""
    return next(outcome for iban, outcome in IBANS.items() if iban.endswith(last4))


def debit_outcome(iban: str) -> Outcome | None:
    """Return the result of a debit of a test account.

    Without an account, return None: the result is decided later. Raises StripeError for any other account.
    """
    compact = iban.replace(" ", "").upper()
    if compact and compact not in IBANS:
        raise StripeError(
            f"Only test accounts can be used here: {', '.join(IBANS)}.",
            code="invalid_bank_account_iban",
            param="iban",
        )
    return IBANS.get(compact)


def card_details(used: Card) -> dict[str, Any]:
    """Return a charge's ``payment_method_details`` for a card."""
    details = {
        "brand": "visa",
        "country": "US",
        "exp_month": 12,
        "exp_year": 2040,
        "funding": "credit",
        "last4": used.last4,
        "network": "visa",
        "wallet": None,
    }
    return {"card": details, "type": "card"}


def debit_details(method: str) -> dict[str, Any]:
    """Return a charge's ``payment_method_details`` for a bank debit, such as ``sepa_debit``."""
    return {method: {"last4": "3000"}, "type": method}


def refund_behaviour(charge: dict[str, Any]) -> str:
    """Return the result of a refund of ``charge``: ``succeeded``, ``pending`` or ``failed``, see `Card`.

    The refund of a bank debit is pending first.
    """
    method = charge["payment_method_details"]
    if method["type"] != "card":
        return "pending"
    return card_ending(method["card"]["last4"]).refund
