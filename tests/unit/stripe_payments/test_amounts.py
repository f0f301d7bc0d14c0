"""Conversion of amounts to Stripe's units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from autonomy_core.currencies import CURRENCIES
from stripe_payments.api.amounts import RULES, TAKEN, InexactAmount, from_stripe, minimum, rule_of, to_stripe
from stripe_payments.checkout.orders import price_problem
from stripe_simulator import currencies as at_stripe


@pytest.mark.parametrize(
    ("amount", "currency", "stripe_amount"),
    [
        (1200, "eur", 1200),
        (1200, "jpy", 1200),
        (12_340, "kwd", 12_340),
        (500, "isk", 50_000),
        (500, "ugx", 50_000),
        (500, "mga", 5),
        (0, "mga", 0),
    ],
)
def test_an_amount_is_converted_both_ways(amount, currency, stripe_amount):
    assert to_stripe(amount, currency) == stripe_amount
    assert from_stripe(stripe_amount, currency) == amount


def test_an_amount_without_an_equal_at_stripe_is_refused():
    with pytest.raises(InexactAmount, match="mga"):
        to_stripe(550, "mga")
    with pytest.raises(InexactAmount, match="not a multiple of 10"):
        to_stripe(12_345, "kwd")
    with pytest.raises(InexactAmount, match="isk"):
        from_stripe(150, "isk")


@given(st.integers(0, 10**9), st.sampled_from([*RULES, "eur", "jpy"]))
def test_an_amount_survives_the_way_to_stripe_and_back(amount, currency):
    try:
        told = to_stripe(amount, currency)
    except InexactAmount:
        return
    assert from_stripe(told, currency) == amount


@pytest.mark.parametrize("currency", ["clf", "cup", "kpw", "lyd", "sdg"])
def test_a_price_in_a_currency_that_stripe_does_not_take_is_a_problem(currency):
    assert price_problem(1000, currency) == f"Stripe cannot collect it: Stripe does not take {currency}."


def test_the_table_has_currencies_in_use_only():
    assert TAKEN <= CURRENCIES
    assert RULES.keys() <= TAKEN


def test_the_currency_table_agrees_with_the_simulators():
    assert TAKEN == at_stripe.SUPPORTED & CURRENCIES
    assert {each: minimum(each) for each in TAKEN} == {
        each: at_stripe.MINIMUMS.get(each, 1) for each in TAKEN
    }


@pytest.mark.parametrize("currency", sorted(TAKEN))
def test_an_amount_at_stripe_is_worth_as_much_as_ours(currency):
    """One whole unit of the currency: ISO 4217 and Stripe divide it into as many parts as the table says."""
    ours = 10 ** Currency(currency.upper()).exponent
    assert to_stripe(ours, currency) == 10 ** at_stripe.decimals(currency)
    assert to_stripe(ours, currency) % at_stripe.unit_step(currency) == 0
    assert rule_of(currency).step in (1, at_stripe.unit_step(currency))
