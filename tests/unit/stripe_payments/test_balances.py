"""What is read of Stripe's balance transactions."""

from datetime import UTC, datetime

import pytest

from stripe_payments.balances.reports import parse_change
from stripe_payments.domain import NotUnderstood

CHARGE = {"object": "charge", "id": "ch_1", "payment_intent": "pi_1", "metadata": {"organisation_id": "acme"}}
TRANSACTION = {
    "object": "balance_transaction", "id": "txn_1", "type": "charge", "source": CHARGE, "currency": "eur",
    "amount": 1200, "fee": 43, "net": 1157, "created": 1_790_000_000, "available_on": 1_790_500_000,
}  # fmt: skip


def test_a_charge_is_a_payment_with_its_fee():
    change = parse_change(TRANSACTION)
    assert (change.id, change.kind, change.amount, change.fee, change.currency) == (
        "txn_1",
        "payment",
        1200,
        43,
        "eur",
    )
    assert change.subject.payment_intent_id == "pi_1"
    assert change.at == datetime.fromtimestamp(1_790_000_000, UTC)


@pytest.mark.parametrize(
    ("source", "of_type", "kind"),
    [
        ("charge", "payment", "payment"),
        ("charge", "payment_failure_refund", "other"),
        ("refund", "refund", "refund"),
        ("refund", "payment_refund", "refund"),
        ("refund", "refund_failure", "refund"),
        ("dispute", "adjustment", "dispute"),
    ],
)
def test_the_source_tells_what_changed_the_balance(source, of_type, kind):
    changed = TRANSACTION | {"type": of_type, "source": CHARGE | {"object": source}}
    assert parse_change(changed).kind == kind


@pytest.mark.parametrize("source", [None, "po_1", {"object": "payout", "id": "po_1"}])
def test_a_change_without_a_payment_is_left_out(source):
    assert parse_change(TRANSACTION | {"type": "payout", "source": source}) is None


def test_amounts_are_in_the_minor_unit_of_iso_4217():
    whole = {"currency": "isk", "amount": 120_000, "fee": 4300, "net": 115_700}
    change = parse_change(TRANSACTION | whole)
    assert (change.amount, change.fee) == (1200, 43)


@pytest.mark.parametrize(
    "changes",
    [{"object": "charge"}, {"net": 1200}, {"fee": None}, {"amount": "1200"}, {"currency": None}, {"id": ""},
     {"created": None}, {"created": True}, {"available_on": -1}, {"currency": "isk"}],
)  # fmt: skip
def test_what_is_not_understood_is_said(changes):
    with pytest.raises(NotUnderstood):
        parse_change(TRANSACTION | changes)
