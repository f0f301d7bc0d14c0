"""The price at which a buyer gets a product, for any prices and any wish."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.prices.domain import NO_WISH, Price, Wish, choose, problem_of
from autonomy_core.prices.errors import AmountTooSmall, CurrencyNotOffered, PriceIsFixed

AMOUNTS = st.integers(0, 99_999_999)
CURRENCIES = st.sampled_from(["eur", "usd", "jpy"])


@dataclass
class Product:
    amount: int
    currency: str = "eur"
    pay_what_you_want: bool = False
    suggested_amount: int | None = None
    other_prices: list[dict[str, object]] = field(default_factory=list)
    id: UUID = field(default_factory=uuid4)


def price(currency, amount, suggested=None):
    return {"currency": currency, "amount": amount, "suggested_amount": suggested}


PRODUCTS = st.builds(
    Product,
    amount=AMOUNTS,
    pay_what_you_want=st.booleans(),
    other_prices=st.lists(st.builds(price, st.just("usd"), AMOUNTS), max_size=1),
)


@given(PRODUCTS, st.builds(Wish, st.none() | AMOUNTS, st.none() | CURRENCIES))
def test_a_price_is_the_products_or_a_larger_chosen_one(product, wish):
    prices = {"eur": product.amount} | {each["currency"]: each["amount"] for each in product.other_prices}
    currency = wish.currency or "eur"
    if currency not in prices:
        error = CurrencyNotOffered
    elif wish.amount in (None, prices[currency]):
        error = None
    elif not product.pay_what_you_want:
        error = PriceIsFixed
    else:
        error = AmountTooSmall if wish.amount < prices[currency] else None
    if error is not None:
        with pytest.raises(error):
            choose(product, wish)
        return
    chosen = choose(product, wish)
    expected = prices[currency] if wish.amount is None else wish.amount
    assert chosen == Price(expected, currency, is_chosen=expected != prices[currency])


def test_without_a_wish_the_suggestion_has_no_effect():
    product = Product(500, pay_what_you_want=True, suggested_amount=900)
    assert choose(product, NO_WISH) == Price(500, "eur")


@pytest.mark.parametrize(
    ("product", "problem"),
    [
        (Product(500), None),
        (Product(500, pay_what_you_want=True, suggested_amount=500), None),
        (Product(500, other_prices=[price("usd", 0)]), None),
        (Product(500, other_prices=[price("eur", 500)]), "two prices in eur"),
        (Product(500, suggested_amount=900), "Only a product with pay_what_you_want"),
        (
            Product(500, pay_what_you_want=True, suggested_amount=499),
            "499 eur is below the smallest, 500 eur",
        ),
        (
            Product(500, pay_what_you_want=True, other_prices=[price("usd", 600, 599)]),
            "599 usd is below the smallest, 600 usd",
        ),
    ],
)
def test_contradicting_prices_are_named(product, problem):
    found = problem_of(product)
    assert found is None if problem is None else problem in found
