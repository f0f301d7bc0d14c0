"""The discount of a coupon, its window of validity, and the state of a redemption."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.coupons.domain import (
    Reduction,
    is_open,
    normalised,
    redemption_after,
)
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.domain import COLLECTING

PRICES = st.integers(0, 99_999_999)
PERCENTS = st.integers(1, 100)
AMOUNTS = st.integers(1, 99_999_999)
REDUCTIONS = st.one_of(
    PERCENTS.map(lambda share: Reduction(percent_off=share)),
    AMOUNTS.map(lambda amount: Reduction(amount_off=amount)),
)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("price", "percent", "discount"),
    [(1200, 25, 300), (50, 15, 8), (10, 5, 1), (9, 5, 0), (333, 33, 110), (1, 50, 1), (999, 100, 999)],
)
def test_a_share_is_rounded_to_the_minor_unit_halves_up(price, percent, discount):
    assert Reduction(percent_off=percent).of(price) == discount


@given(PRICES, REDUCTIONS)
def test_a_discount_lies_between_nothing_and_the_price(price, reduction):
    assert 0 <= reduction.of(price) <= price


@given(PRICES, PERCENTS)
def test_a_share_is_exact_but_for_the_rounding(price, percent):
    exact = Fraction(price * percent, 100)
    assert -Fraction(1, 2) < Reduction(percent_off=percent).of(price) - exact <= Fraction(1, 2)


@given(PRICES, PRICES, REDUCTIONS)
def test_a_discount_keeps_the_order_of_prices(one, other, reduction):
    cheaper, dearer = sorted((one, other))
    assert cheaper - reduction.of(cheaper) <= dearer - reduction.of(dearer)


@given(PRICES)
def test_a_share_of_100_percent_takes_off_the_whole_price(price):
    assert Reduction(percent_off=100).of(price) == price


@given(PRICES, AMOUNTS)
def test_an_amount_is_taken_off_as_far_as_the_price_goes(price, amount):
    assert Reduction(amount_off=amount).of(price) == min(price, amount)


@pytest.mark.parametrize(
    ("code", "stored"),
    [
        ("spring", "SPRING"),
        ("Spring_26-x", "SPRING_26-X"),
        ("ab", None),
        ("a" * 41, None),
        (" spring", None),
        ("spring\n", None),
        ("straße", None),
        ("a\x00b", None),
        ("", None),
    ],
)
def test_upper_and_lower_case_are_the_same_code(code, stored):
    assert normalised(code) == stored


@given(st.text())
def test_any_input_is_a_valid_code_or_none(code):
    stored = normalised(code)
    assert stored is None or normalised(stored.lower()) == stored


def test_a_window_contains_its_beginning_and_not_its_end():
    assert is_open(NOON, NOON, NOON + SECOND)
    assert not is_open(NOON, NOON - SECOND, NOON)
    assert not is_open(NOON, NOON + SECOND, None)
    assert is_open(NOON, None, None)


@pytest.mark.parametrize("status", COLLECTING)
def test_a_redemption_is_held_while_its_payment_can_complete(status):
    expected = {
        PaymentStatus.PENDING: "reserved",
        PaymentStatus.PROCESSING: "reserved",
        PaymentStatus.EXPIRED: "released",
        PaymentStatus.FAILED: "released",
        PaymentStatus.COMPLETED: "used",
    }
    assert redemption_after(status) == expected[status]
