from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentStatus,
    RefundReport,
    RefundStatus,
    Settlement,
)
from autonomy_core.payments.domain import (
    COLLECTING,
    PaymentState,
    ProofFailed,
    Refund,
    collected,
    items_to_revoke,
    next_collected,
    next_dispute,
    next_refund,
    prove,
    reason_to_revoke,
    shares,
)

PAYMENT = {"of_provider": "stripe_payments", "environment": "test", "amount": 1200, "currency": "eur"}
COMPLETED = PaymentStatus.COMPLETED
ALBUM = (UUID(int=1), UUID(int=2), UUID(int=3))
RISING = [
    (next_collected, PaymentStatus.PENDING, COLLECTING),
    (next_refund, RefundStatus.REQUESTED, tuple(RefundStatus)),
    (next_dispute, DisputeStatus.INQUIRY, tuple(DisputeStatus)),
]


def settlement(**changes):
    values = {"environment": "test", "amount": 1200, "currency": "eur", "source": "webhook"}
    return Settlement(**{"payment_id": uuid4(), "status": COMPLETED, **values, **changes})


def state(*, refunds=(), disputes=(), reached=COMPLETED):
    return PaymentState(
        reached,
        1200,
        tuple(Refund(amount, RefundStatus(status), frozenset(items)) for amount, status, *items in refunds),
        tuple(DisputeStatus(status) for status in disputes),
    )


@pytest.mark.parametrize(("rise", "begin", "states"), RISING)
@given(data=st.data())
def test_reports_in_any_order_and_any_number_end_in_the_same_state(rise, begin, states, data):
    reports = data.draw(st.lists(st.sampled_from(states), min_size=1))
    again = data.draw(st.permutations([*reports, data.draw(st.sampled_from(reports))]))

    def end(sequence):
        reached = begin
        for report in sequence:
            reached = rise(reached, report)
        return reached

    assert end(again) == end(reports)


@given(st.sampled_from(COLLECTING))
def test_money_that_has_arrived_has_arrived(report):
    assert next_collected(COMPLETED, report) == COMPLETED


@given(st.sampled_from([status for status in PaymentStatus if status not in COLLECTING]))
def test_what_became_of_the_money_afterwards_does_not_unmake_its_arrival(status):
    assert collected(status) == COMPLETED


@pytest.mark.parametrize("before", [PaymentStatus.EXPIRED, PaymentStatus.FAILED])
def test_late_success_completes(before):
    assert next_collected(before, COMPLETED) == COMPLETED


def test_a_processing_report_that_comes_late_does_not_revive_a_failed_payment():
    assert next_collected(PaymentStatus.FAILED, PaymentStatus.PROCESSING) == PaymentStatus.FAILED


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ({}, "completed"),
        ({"refunds": [(1200, "requested")]}, "completed"),
        ({"refunds": [(1200, "failed")]}, "completed"),
        ({"refunds": [(500, "pending")]}, "partially_refunded"),
        ({"refunds": [(500, "succeeded"), (700, "pending")]}, "refunded"),
        ({"refunds": [(500, "succeeded"), (700, "failed")]}, "partially_refunded"),
        ({"disputes": ["inquiry"]}, "completed"),
        ({"disputes": ["open"]}, "disputed"),
        ({"disputes": ["won"]}, "dispute_won"),
        ({"disputes": ["lost"]}, "dispute_lost"),
        ({"disputes": ["won", "open"]}, "disputed"),
        ({"disputes": ["won"], "refunds": [(1200, "succeeded")]}, "refunded"),
        ({"disputes": ["open"], "refunds": [(500, "succeeded")]}, "disputed"),
        ({"disputes": ["open"], "reached": PaymentStatus.PENDING}, "pending"),
        ({"refunds": [(500, "succeeded")], "reached": PaymentStatus.EXPIRED}, "expired"),
    ],
)
def test_the_status_follows_from_what_is_known(known, status):
    assert state(**known).status == status


@given(
    st.lists(
        st.tuples(st.integers(1, 400), st.sampled_from(RefundStatus), st.sampled_from(ALBUM)), max_size=3
    ),
    st.lists(st.sampled_from(DisputeStatus), max_size=3),
)
def test_the_order_in_which_refunds_and_disputes_became_known_does_not_matter(refunds, disputes):
    ends = {
        (found.status, found.refunded, found.refundable, access(found), found.items_refunded)
        for one in permutations(refunds)
        for other in permutations(disputes)
        for found in [state(refunds=one, disputes=other)]
    }
    assert len(ends) == 1


def test_what_has_been_asked_for_cannot_be_refunded_again_and_has_not_gone_back():
    asked = state(refunds=[(500, "requested"), (200, "succeeded"), (100, "failed")])
    assert (asked.refunded, asked.refundable) == (200, 500)


def access(found, after_refund="revoke", after_dispute="revoke_until_won"):
    return reason_to_revoke(found, after_refund=after_refund, after_dispute=after_dispute)


@pytest.mark.parametrize(
    ("known", "policy", "reason"),
    [
        ({"refunds": [(1200, "succeeded")]}, {}, "refunded"),
        ({"refunds": [(1200, "succeeded")]}, {"after_refund": "keep"}, None),
        ({"refunds": [(1199, "succeeded")]}, {}, None),
        ({"refunds": [(1200, "requested")]}, {}, None),
        ({"disputes": ["inquiry"]}, {}, None),
        ({"disputes": ["open"]}, {}, "disputed"),
        ({"disputes": ["won"]}, {}, None),
        ({"disputes": ["lost"]}, {}, "dispute lost"),
        ({"disputes": ["open"]}, {"after_dispute": "keep"}, None),
        ({"disputes": ["lost"]}, {"after_dispute": "keep"}, None),
        ({"disputes": ["won"]}, {"after_dispute": "revoke"}, "disputed"),
        ({"disputes": ["won"], "refunds": [(1200, "succeeded")]}, {}, "refunded"),
    ],
)
def test_what_a_refund_and_a_dispute_do_to_access_is_the_organisations_choice(known, policy, reason):
    assert access(state(**known), **policy) == reason


@pytest.mark.parametrize(
    ("status", "gone", "spoken_for"),
    [
        ("requested", set(), {ALBUM[0]}),
        ("pending", {ALBUM[0]}, {ALBUM[0]}),
        ("succeeded", {ALBUM[0]}, {ALBUM[0]}),
        ("failed", set(), set()),
    ],
)
def test_a_refund_of_an_item_takes_the_item_while_the_money_goes_back(status, gone, spoken_for):
    found = state(refunds=[(400, status, ALBUM[0]), (100, "succeeded")])
    assert items_to_revoke(found, after_refund="revoke") == gone
    assert items_to_revoke(found, after_refund="keep") == set()
    assert found.items_spoken_for == spoken_for
    assert access(found) is None


@given(st.integers(0, 10**8), st.lists(st.integers(0, 10**8), min_size=1, max_size=20))
def test_shares_are_in_proportion_and_nothing_is_lost_or_added(amount, weights):
    divided, total = shares(amount, weights), sum(weights)
    assert sum(divided) == amount
    if total:
        for share, weight in zip(divided, weights, strict=True):
            assert share in (amount * weight // total, -(-amount * weight // total))


@pytest.mark.parametrize(
    ("amount", "weights", "divided"),
    [
        (2000, [1200, 1200], [1000, 1000]),
        (1500, [1200, 800], [900, 600]),
        (100, [1, 1, 1], [34, 33, 33]),
        (100, [0, 0, 0], [34, 33, 33]),
        (100, [1, 2, 4], [14, 29, 57]),
        (100, [5, 0], [100, 0]),
        (0, [5, 7], [0, 0]),
        (999, [7], [999]),
    ],
)
def test_what_is_left_over_goes_to_those_whose_share_was_rounded_by_most(amount, weights, divided):
    assert shares(amount, weights) == divided


def test_a_free_product_is_not_refunded():
    assert access(PaymentState(COMPLETED, 0)) is None


def test_a_settlement_that_agrees_is_believed():
    prove(settlement(), provider="stripe_payments", **PAYMENT)


def test_news_of_a_refund_need_not_say_what_was_paid():
    prove(settlement(status=None, amount=None), provider="stripe_payments", **PAYMENT)


@pytest.mark.parametrize(
    ("name", "value"), [("environment", "live"), ("amount", 1), ("amount", 1201), ("currency", "usd")]
)
def test_a_settlement_that_differs_is_not_believed_and_the_error_names_what_differs(name, value):
    with pytest.raises(ProofFailed, match=name):
        prove(settlement(**{name: value}), provider="stripe_payments", **PAYMENT)


def test_money_that_went_back_in_another_currency_is_not_believed():
    refund = RefundReport("re_1", 500, "usd", RefundStatus.SUCCEEDED)
    with pytest.raises(ProofFailed, match="currency"):
        prove(settlement(refunds=(refund,)), provider="stripe_payments", **PAYMENT)


def test_a_dispute_may_be_counted_in_the_currency_of_the_account():
    dispute = DisputeReport("du_1", 500, "usd", DisputeStatus.OPEN)
    prove(settlement(disputes=(dispute,)), provider="stripe_payments", **PAYMENT)


def test_another_provider_cannot_settle_the_payment():
    with pytest.raises(ProofFailed, match="provider"):
        prove(settlement(), provider="invoices", **PAYMENT)


def test_a_provider_reports_how_far_collecting_has_come_and_not_what_follows_from_refunds():
    with pytest.raises(ProofFailed, match="refunded is not a state of collecting"):
        prove(settlement(status=PaymentStatus.REFUNDED), provider="stripe_payments", **PAYMENT)


def test_of_refunds_that_exclude_each_other_no_more_counts_than_was_paid():
    contradicting = state(refunds=[(600, "succeeded"), (700, "pending")])
    assert (contradicting.refunded, contradicting.contradicts_itself) == (1200, True)
    resolved = state(refunds=[(600, "failed"), (700, "pending")])
    assert (resolved.refunded, resolved.contradicts_itself) == (700, False)


@pytest.mark.parametrize("amount", [0, -500, 1201, 10**30])
def test_a_refund_of_nothing_or_of_more_than_was_paid_is_not_believed(amount):
    refund = RefundReport("re_1", amount, "eur", RefundStatus.SUCCEEDED)
    with pytest.raises(ProofFailed, match=f"refund re_1: {amount} of 1200 cannot go back"):
        prove(settlement(refunds=(refund,)), provider="stripe_payments", **PAYMENT)


@pytest.mark.parametrize("amount", [-1, 2**63])
def test_a_dispute_of_an_amount_that_cannot_be_is_not_believed(amount):
    dispute = DisputeReport("du_1", amount, "usd", DisputeStatus.OPEN)
    with pytest.raises(ProofFailed, match=f"dispute du_1: {amount}"):
        prove(settlement(disputes=(dispute,)), provider="stripe_payments", **PAYMENT)
