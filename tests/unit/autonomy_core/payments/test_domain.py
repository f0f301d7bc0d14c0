from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.kernel.settlements import (
    DisputeReport,
    DisputeStatus,
    PaymentFacts,
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
    decide,
    items_to_revoke,
    next_collected,
    next_dispute,
    next_refund,
    prove,
    reason_to_revoke,
    shares,
)

PAYMENT = PaymentFacts(
    id=UUID(int=7),
    customer_id=UUID(int=8),
    product_id=UUID(int=9),
    product_kind="mp3",
    amount=1200,
    currency="eur",
    environment="test",
    provider="stripe_payments",
    completed_at=None,
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
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
def test_a_collected_payment_stays_collected(report):
    assert next_collected(COMPLETED, report) == COMPLETED


@given(st.sampled_from([status for status in PaymentStatus if status not in COLLECTING]))
def test_refunds_and_disputes_leave_a_payment_collected(status):
    assert collected(status) == COMPLETED


@pytest.mark.parametrize("before", [PaymentStatus.EXPIRED, PaymentStatus.FAILED])
def test_late_success_completes(before):
    assert next_collected(before, COMPLETED) == COMPLETED


def test_a_late_processing_report_does_not_revive_a_failed_payment():
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
def test_the_order_of_refunds_and_disputes_does_not_matter(refunds, disputes):
    ends = {
        (found.status, found.refunded, found.refundable, access(found), found.items_refunded)
        for one in permutations(refunds)
        for other in permutations(disputes)
        for found in [state(refunds=one, disputes=other)]
    }
    assert len(ends) == 1


def test_a_requested_refund_reserves_its_amount():
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
def test_the_organisation_decides_what_refunds_and_disputes_revoke(known, policy, reason):
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
def test_the_remainder_goes_to_the_shares_rounded_most(amount, weights, divided):
    assert shares(amount, weights) == divided


def test_a_free_product_is_not_refunded():
    assert access(PaymentState(COMPLETED, 0)) is None


def test_a_settlement_that_agrees_is_accepted():
    prove(settlement(), PAYMENT, provider="stripe_payments")


def test_a_refund_report_may_omit_the_amount_paid():
    prove(settlement(status=None, amount=None), PAYMENT, provider="stripe_payments")


@pytest.mark.parametrize(
    ("name", "value"), [("environment", "live"), ("amount", 1), ("amount", 1201), ("currency", "usd")]
)
def test_a_settlement_that_differs_is_refused_by_field(name, value):
    with pytest.raises(ProofFailed, match=name):
        prove(settlement(**{name: value}), PAYMENT, provider="stripe_payments")


def test_a_refund_in_another_currency_is_refused():
    refund = RefundReport("re_1", 500, "usd", RefundStatus.SUCCEEDED)
    with pytest.raises(ProofFailed, match="currency"):
        prove(settlement(refunds=(refund,)), PAYMENT, provider="stripe_payments")


def test_a_dispute_may_be_counted_in_the_currency_of_the_account():
    dispute = DisputeReport("du_1", 500, "usd", DisputeStatus.OPEN)
    prove(settlement(disputes=(dispute,)), PAYMENT, provider="stripe_payments")


def test_another_provider_cannot_settle_the_payment():
    with pytest.raises(ProofFailed, match="provider"):
        prove(settlement(), PAYMENT, provider="invoices")


def test_a_provider_cannot_report_a_refunded_status():
    with pytest.raises(ProofFailed, match="refunded is not a state of collecting"):
        prove(settlement(status=PaymentStatus.REFUNDED), PAYMENT, provider="stripe_payments")


def test_contradicting_refunds_count_up_to_the_amount_paid():
    contradicting = state(refunds=[(600, "succeeded"), (700, "pending")])
    assert (contradicting.refunded, contradicting.contradicts_itself) == (1200, True)
    resolved = state(refunds=[(600, "failed"), (700, "pending")])
    assert (resolved.refunded, resolved.contradicts_itself) == (700, False)


@pytest.mark.parametrize("amount", [0, -500, 1201, 10**30])
def test_a_refund_of_nothing_or_too_much_is_refused(amount):
    refund = RefundReport("re_1", amount, "eur", RefundStatus.SUCCEEDED)
    with pytest.raises(ProofFailed, match=f"refund re_1: {amount} of 1200 cannot go back"):
        prove(settlement(refunds=(refund,)), PAYMENT, provider="stripe_payments")


@pytest.mark.parametrize("amount", [-1, 2**63])
def test_a_dispute_with_an_impossible_amount_is_refused(amount):
    dispute = DisputeReport("du_1", amount, "usd", DisputeStatus.OPEN)
    with pytest.raises(ProofFailed, match=f"dispute du_1: {amount}"):
        prove(settlement(disputes=(dispute,)), PAYMENT, provider="stripe_payments")


def test_a_paid_payment_is_completed_and_its_hooks_run():
    decision = decide(PaymentStatus.PENDING, state(reached=PaymentStatus.PENDING), settlement())
    assert decision.completes
    assert decision.moved == {"before": "pending", "after": "completed", "source": "webhook"}
    assert decision.columns(NOW) == {
        "status": "completed",
        "refunded_amount": 0,
        "settled_by": "webhook",
        "failure_reason": None,
        "completed_at": NOW,
    }


def test_a_repeated_report_changes_nothing():
    decision = decide(COMPLETED, state(), settlement())
    assert not decision.changes_anything
    assert not decision.completes


def test_a_payment_that_fails_keeps_the_reason_and_runs_no_hooks():
    failed = settlement(status=PaymentStatus.FAILED, reason="no money")
    decision = decide(PaymentStatus.PENDING, state(reached=PaymentStatus.PENDING), failed)
    assert decision.changes_status
    assert not decision.completes
    assert decision.columns(NOW) == {
        "status": "failed",
        "refunded_amount": 0,
        "settled_by": "webhook",
        "failure_reason": "no money",
    }


def test_a_refund_reported_first_counts_when_the_payment_completes():
    refunded = state(reached=PaymentStatus.PENDING, refunds=[(1200, "succeeded")])
    decision = decide(PaymentStatus.PENDING, refunded, settlement())
    assert decision.completes
    assert decision.columns(NOW) == {
        "status": "refunded",
        "refunded_amount": 1200,
        "settled_by": "webhook",
        "failure_reason": None,
        "completed_at": NOW,
    }


def test_a_refund_keeps_the_source_and_time_of_completion():
    news = settlement(status=None, amount=None, source="refund")
    decision = decide(COMPLETED, state(refunds=[(500, "succeeded")]), news, has_news=True)
    assert not decision.completes
    assert decision.columns(NOW) == {"status": "partially_refunded", "refunded_amount": 500}


def test_a_report_that_keeps_the_status_is_written_too():
    pending = state(refunds=[(500, "requested")])
    decision = decide(COMPLETED, pending, settlement(status=None), has_news=True)
    assert (decision.changes_anything, decision.changes_status) == (True, False)


def test_refunds_above_the_price_are_checked_once_per_report():
    contradicting = state(refunds=[(600, "succeeded"), (700, "pending")])
    news = settlement(status=None)
    assert decide(COMPLETED, contradicting, news, has_news=True).must_be_checked
    assert not decide(COMPLETED, contradicting, news).must_be_checked
