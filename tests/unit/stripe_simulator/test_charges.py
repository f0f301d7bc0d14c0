"""Charges: one for every attempt to pay, with the result of the attempt."""

from __future__ import annotations

import pytest
import stripe

DEBIT = [
    "payment_intent.created",
    "charge.pending",
    "payment_intent.processing",
    "checkout.session.completed",
]


def test_a_paid_session_has_a_charge(client, order, visit):
    session = client.v1.checkout.sessions.create(order(payment_intent_data={"metadata": {"payment_id": "1"}}))
    visit(session.id, "pay", email="ann@example.com")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    charge = client.v1.charges.retrieve(client.v1.payment_intents.retrieve(intent).latest_charge)
    assert (charge.amount, charge.amount_refunded, charge.currency) == (990, 0, "eur")
    assert (charge.status, charge.paid, charge.refunded, charge.disputed) == ("succeeded", True, False, False)
    assert (charge.payment_intent, charge.metadata.to_dict()) == (intent, {"payment_id": "1"})
    assert charge.billing_details.email == "ann@example.com"
    assert charge.payment_method_details.card.last4 == "4242"


def test_references_are_expanded_as_deep_as_requested(client, paid):
    intent = paid.payment_intent.id
    assert paid.payment_intent.latest_charge.payment_intent == intent
    expanded = client.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.payment_intent"]})
    assert expanded.latest_charge.payment_intent.id == intent
    [listed] = client.v1.charges.list({"expand": ["data.payment_intent"]}).data
    assert listed.payment_intent.id == intent


@pytest.mark.parametrize("path", ["balance_transaction", "latest_charge.shop", "data.latest_charge"])
def test_nothing_else_is_expanded(client, paid, path):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(paid.payment_intent.id, {"expand": [path]})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.list({"expand": ["latest_charge"]})


def test_charges_are_listed_by_payment_intent_and_time(client, order, visit, paid):
    other = client.v1.checkout.sessions.create(order())
    visit(other.id, "pay")
    charge = paid.payment_intent.latest_charge
    assert len(client.v1.charges.list().data) == len(client.v1.payment_intents.list().data) == 2
    [found] = client.v1.charges.list({"payment_intent": paid.payment_intent.id}).data
    assert found.id == charge.id
    assert len(client.v1.charges.list({"created": {"gte": charge.created}}).data) == 2
    assert client.v1.charges.list({"created": {"lt": charge.created}}).data == []


def test_every_attempt_to_pay_is_a_charge(client, session, visit):
    visit(session.id, "decline")
    visit(session.id, "pay")
    assert [charge.status for charge in client.v1.charges.list().data] == ["succeeded", "failed"]
    assert client.v1.charges.list().data[1].failure_code == "card_declined"
    [intent] = client.v1.payment_intents.list().data
    assert (intent.status, intent.latest_charge) == ("succeeded", client.v1.charges.list().data[0].id)


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["pay"], ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
                   "checkout.session.completed"]),
        (["decline"], ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]),
        (["pay_by_debit"], DEBIT),
        (["pay_by_debit", "debit_succeeds"],
         [*DEBIT, "charge.succeeded", "payment_intent.succeeded",
          "checkout.session.async_payment_succeeded"]),
        (["pay_by_debit", "debit_fails"],
         [*DEBIT, "charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed"]),
    ],
)  # fmt: skip
def test_every_step_is_an_event(session, visit, told, actions, expected):
    for action in actions:
        visit(session.id, action)
    assert told() == expected


@pytest.mark.parametrize(
    ("iban", "status"),
    [
        ("AT61 1904 3002 3457 3201", "succeeded"),
        ("DE89370400440532013000", "succeeded"),
        ("AT861904300235473202", "failed"),
        ("it60x0542811101000000123456", "failed"),
    ],
)
def test_the_bank_of_a_test_account_decides_by_itself(client, session, visit, told, iban, status):
    assert visit(session.id, "pay_by_debit", iban=iban).status_code == 303
    assert told()[-1] == f"checkout.session.async_payment_{status}"
    [charge] = client.v1.charges.list().data
    assert (charge.status, charge.payment_method_details.type) == (status, "sepa_debit")


@pytest.mark.parametrize(
    ("card", "disputed"),
    [("4000000000000259", "needs_response"), ("4000 0000 0000 1976", "warning_needs_response")],
)
def test_a_payment_with_a_card_for_disputes_is_disputed(client, session, visit, card, disputed):
    assert visit(session.id, "pay", card=card).status_code == 303
    [dispute] = client.v1.disputes.list().data
    assert (dispute.status, dispute.reason) == (disputed, "fraudulent")


def test_a_card_that_is_declined_is_declined(client, session, visit):
    assert visit(session.id, "pay", card="4000000000000002").status_code == 402
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


@pytest.mark.parametrize(
    ("action", "form"), [("pay", {"card": "4111111111111111"}), ("pay_by_debit", {"iban": "DE0000"})]
)
def test_a_number_that_is_not_for_tests_is_refused(session, visit, ledger, action, form):
    assert visit(session.id, action, **form).status_code == 409
    assert ledger()["charges"] == []
