"""Amounts as Stripe counts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_payments.amounts import RULES, InexactAmount, from_stripe, to_stripe


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


def test_an_amount_that_the_other_side_cannot_say_is_refused():
    with pytest.raises(InexactAmount, match="mga"):
        to_stripe(550, "mga")
    with pytest.raises(InexactAmount, match="no multiple of 10"):
        to_stripe(12_345, "kwd")
    with pytest.raises(InexactAmount, match="isk"):
        from_stripe(150, "isk")


@given(st.integers(0, 10**9), st.sampled_from([*RULES, "eur", "jpy"]))
def test_what_stripe_says_of_what_it_was_told_is_the_amount(amount, currency):
    try:
        told = to_stripe(amount, currency)
    except InexactAmount:
        return
    assert from_stripe(told, currency) == amount
