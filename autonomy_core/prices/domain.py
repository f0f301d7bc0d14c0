"""The prices of a product, and the price at which a buyer gets it. No framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from autonomy_core.prices.errors import AmountTooSmall, CurrencyNotOffered, PriceIsFixed


class Priced(Protocol):
    """A product, as far as its prices are concerned. Amounts are in the minor unit of their currency.

    Attributes:
        id: the product.
        amount, currency: its price. If buyers pay what they want, the smallest amount.
        pay_what_you_want: whether buyers choose the amount.
        suggested_amount: an amount that the shop suggests in `currency`; None for no suggestion.
        other_prices: ``currency``, ``amount`` and ``suggested_amount`` in each further currency, which mean
            the same there.
    """

    @property
    def id(self) -> UUID: ...  # noqa: D102
    @property
    def amount(self) -> int: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102
    @property
    def pay_what_you_want(self) -> bool: ...  # noqa: D102
    @property
    def suggested_amount(self) -> int | None: ...  # noqa: D102
    @property
    def other_prices(self) -> Sequence[Mapping[str, Any]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer wants to pay.

    Attributes:
        amount: in the minor unit of the currency; None for the price, or the smallest amount.
        currency: an ISO 4217 code in lower case; None for the product's own.
    """

    amount: int | None = None
    currency: str | None = None


NO_WISH = Wish()
"""The price in the product's own currency."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one purchase, before a coupon.

    Attributes:
        amount: in the minor unit of the currency.
        currency: an ISO 4217 code in lower case.
        is_chosen: whether the buyer chose the amount. Then the provider may not collect it.
    """

    amount: int
    currency: str
    is_chosen: bool = False


def choose(product: Priced, wish: Wish) -> Price:
    """Return the price at which a buyer gets a product.

    A buyer who names no amount pays the amount that the catalogue shows, and never more: it is the price, or
    the smallest amount. A suggestion is for the shop's page.

    Args:
        product: the product.
        wish: what the buyer wants to pay.

    Raises:
        CurrencyNotOffered: the product has no price in the currency.
        AmountTooSmall: the amount is below the smallest.
        PriceIsFixed: the buyer expects another amount than the price.
    """
    amounts = {product.currency: product.amount}
    amounts |= {each["currency"]: each["amount"] for each in product.other_prices}
    currency = wish.currency or product.currency
    if currency not in amounts:
        raise CurrencyNotOffered(
            f"There is a price in: {', '.join(amounts)}.", extra={"currencies": list(amounts)}
        )
    least = amounts[currency]
    if wish.amount is None or wish.amount == least:
        return Price(least, currency)
    if not product.pay_what_you_want:
        raise PriceIsFixed(f"It costs {least} {currency}.", extra={"amount": least, "currency": currency})
    if wish.amount < least:
        raise AmountTooSmall(
            f"The smallest amount is {least} {currency}.", extra={"minimum": least, "currency": currency}
        )
    return Price(wish.amount, currency, is_chosen=True)


def every_price(product: Priced) -> list[tuple[str, int, int | None]]:
    """Return currency, amount and suggestion of each price, the product's own first."""
    others = ((each["currency"], each["amount"], each["suggested_amount"]) for each in product.other_prices)
    return [(product.currency, product.amount, product.suggested_amount), *others]


def problem_of(product: Priced) -> str | None:
    """Return why the prices of a product contradict each other, in a sentence for staff; None if not."""
    seen: set[str] = set()
    for currency, amount, suggested in every_price(product):
        if currency in seen:
            return f"There are two prices in {currency}."
        seen.add(currency)
        if suggested is None:
            continue
        if not product.pay_what_you_want:
            return "Only a product with pay_what_you_want has a suggested amount."
        if suggested < amount:
            return f"The suggested amount {suggested} {currency} is below the smallest, {amount} {currency}."
    return None
