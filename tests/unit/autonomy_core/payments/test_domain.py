from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autonomy_core.payments.domain import PaymentStatus, ProofFailed, Settlement, next_status, prove

statuses = st.sampled_from(PaymentStatus)
PAYMENT = {"of_provider": "stripe_payments", "environment": "test", "amount": 1200, "currency": "eur"}


def settlement(**changes):
    values = {"environment": "test", "amount": 1200, "currency": "eur", "source": "webhook", **changes}
    return Settlement(payment_id=uuid4(), status=PaymentStatus.COMPLETED, **values)


@given(st.lists(statuses, min_size=1), st.randoms())
def test_reports_in_any_order_and_any_number_end_in_the_same_state(reports, random):
    def end(sequence):
        status = PaymentStatus.PENDING
        for report in sequence:
            status = next_status(status, report)
        return status

    shuffled = [*reports, random.choice(reports)]
    random.shuffle(shuffled)
    assert end(shuffled) == end(reports)


@given(statuses)
def test_a_completed_payment_stays_completed(report):
    assert next_status(PaymentStatus.COMPLETED, report) == PaymentStatus.COMPLETED


@pytest.mark.parametrize("before", [PaymentStatus.EXPIRED, PaymentStatus.FAILED])
def test_late_success_completes(before):
    assert next_status(before, PaymentStatus.COMPLETED) == PaymentStatus.COMPLETED


def test_a_processing_report_that_comes_late_does_not_revive_a_failed_payment():
    assert next_status(PaymentStatus.FAILED, PaymentStatus.PROCESSING) == PaymentStatus.FAILED


def test_a_settlement_that_agrees_is_believed():
    prove(settlement(), provider="stripe_payments", **PAYMENT)


@pytest.mark.parametrize(
    ("name", "value"), [("environment", "live"), ("amount", 1), ("amount", 1201), ("currency", "usd")]
)
def test_a_settlement_that_differs_is_not_believed_and_the_error_names_what_differs(name, value):
    with pytest.raises(ProofFailed, match=name):
        prove(settlement(**{name: value}), provider="stripe_payments", **PAYMENT)


def test_another_provider_cannot_settle_the_payment():
    with pytest.raises(ProofFailed, match="provider"):
        prove(settlement(), provider="invoices", **PAYMENT)
