"""Disputes and inquiries, from their opening to the money."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator.versions import ACCOUNT_VERSION

OPENED = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


@pytest.fixture
def dispute(paid, control, client):
    """Return a function that disputes the paid session."""

    def open_it(**form):
        made = control(f"sessions/{paid.id}/dispute", **form).json()
        return client.v1.disputes.retrieve(made["id"])

    return open_it


@pytest.fixture
def state(client):
    """Return a function that tells a dispute's status and the amounts that it moved."""

    def read(dispute):
        dispute = client.v1.disputes.retrieve(dispute.id)
        return dispute.status, [moved.amount for moved in dispute.balance_transactions]

    return read


def test_a_dispute_takes_the_money_and_marks_the_charge(client, paid, dispute, state, told):
    told()
    made = dispute()
    assert (made.amount, made.currency, made.reason) == (990, "eur", "fraudulent")
    assert (made.payment_intent, made.charge) == (
        paid.payment_intent.id,
        paid.payment_intent.latest_charge.id,
    )
    assert (state(made), made.is_charge_refundable) == (("needs_response", [-990]), False)
    assert client.v1.charges.retrieve(made.charge).disputed is True
    assert told() == OPENED


def test_a_dispute_can_be_about_a_part_and_for_another_reason(dispute, state):
    made = dispute(amount="400", reason="product_not_received")
    assert (made.amount, made.reason, state(made)[1]) == (400, "product_not_received", [-400])


@pytest.mark.parametrize(
    ("outcome", "moved", "events"),
    [
        ("won", [-990, 990], ["charge.dispute.closed", "charge.dispute.funds_reinstated"]),
        ("lost", [-990], ["charge.dispute.closed"]),
    ],
)
def test_a_dispute_ends_as_the_bank_says(dispute, state, control, told, outcome, moved, events):
    made = dispute()
    told()
    assert control(f"disputes/{made.id}/close", outcome=outcome).json()["status"] == outcome
    assert (state(made), told()) == ((outcome, moved), events)
    assert control(f"disputes/{made.id}/close", outcome=outcome).status_code == 400


def test_a_lost_dispute_can_be_won_after_all(client, paid, dispute, state, control, told):
    made = dispute()
    control(f"disputes/{made.id}/close", outcome="lost")
    told()
    assert control(f"disputes/{made.id}/close", outcome="won").json()["status"] == "won"
    assert state(made) == ("won", [-990, 990])
    assert told() == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert control(f"disputes/{made.id}/close", outcome="lost").status_code == 400
    assert client.v1.refunds.create({"payment_intent": paid.payment_intent.id}).amount == 990


def test_an_appeal_is_opened_answered_and_decided(client, client_for, paid, dispute, state, control, told):
    made = dispute()
    assert control(f"disputes/{made.id}/appeal").status_code == 400
    control(f"disputes/{made.id}/close", outcome="lost")
    told()
    assert control(f"disputes/{made.id}/appeal").json()["status"] == "appeal_needs_response"
    with pytest.raises(stripe.InvalidRequestError, match="appeal"):
        client.v1.disputes.update(made.id, {"evidence": {"customer_name": "Ann"}})
    answer = {"appeal": {"card": {"reason_for_filing": "We sent it.", "supporting_files": ["file_1"]}}}
    older = client_for("sk_test_acme", stripe_version=ACCOUNT_VERSION)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        older.v1.disputes.update(made.id, {"evidence": answer})
    assert caught.value.param == "evidence[appeal]"
    assert client.v1.disputes.update(made.id, {"evidence": answer}).status == "appeal_under_review"
    assert older.v1.disputes.retrieve(made.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        client.v1.refunds.create({"payment_intent": paid.payment_intent.id})
    control(f"disputes/{made.id}/close", outcome="won")
    assert state(made) == ("won", [-990, 990])
    changed = ["charge.dispute.updated"] * 2
    assert told() == [*changed, "charge.dispute.closed", "charge.dispute.funds_reinstated"]


def test_a_disputed_payment_is_refundable_only_after_winning(client, paid, dispute, control):
    refund = {"payment_intent": paid.payment_intent.id, "amount": 100}
    made = dispute()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create(refund)
    assert (caught.value.http_status, caught.value.code) == (400, "charge_disputed")
    control(f"disputes/{made.id}/close", outcome="won")
    assert client.v1.refunds.create(refund).status == "succeeded"
    control(f"disputes/{dispute().id}/close", outcome="lost")
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        client.v1.refunds.create(refund)


def test_an_inquiry_takes_no_money_and_allows_a_refund(client, paid, dispute, state, control, told):
    told()
    made = dispute(inquiry="true")
    assert (state(made), made.is_charge_refundable) == (("warning_needs_response", []), True)
    assert told() == ["charge.dispute.created"]
    assert client.v1.refunds.create({"payment_intent": paid.payment_intent.id, "amount": 100})
    told()
    assert control(f"disputes/{made.id}/close", outcome="lost").status_code == 400
    assert control(f"disputes/{made.id}/close", outcome="won").json()["status"] == "warning_closed"
    assert told() == ["charge.dispute.closed"]


def test_an_inquiry_becomes_a_chargeback(dispute, state, control, told):
    made = dispute(inquiry="true")
    told()
    assert control(f"disputes/{made.id}/escalate").status_code == 200
    assert state(made) == ("needs_response", [-990])
    assert told() == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]
    assert control(f"disputes/{made.id}/escalate").status_code == 400


@pytest.mark.parametrize(("text", "status"), [("We sent it.", "under_review"), ("winning_evidence", "won"),
                                              ("losing_evidence", "lost")])  # fmt: skip
def test_evidence_is_kept_submitted_and_decides(client, dispute, told, text, status):
    made = dispute()
    told()
    changed = client.v1.disputes.update(made.id, {"evidence": {"uncategorized_text": text}})
    assert changed.evidence.uncategorized_text == text
    assert changed.evidence_details.submission_count == 1
    assert client.v1.disputes.retrieve(made.id).status == status
    assert told()[0] == "charge.dispute.updated"


def test_evidence_can_be_kept_for_later(client, dispute):
    made = dispute()
    evidence = {"uncategorized_text": "losing_evidence"}
    changed = client.v1.disputes.update(made.id, {"evidence": evidence, "submit": False})
    assert (changed.status, changed.evidence_details.has_evidence) == ("needs_response", True)


def test_a_dispute_is_given_up_by_closing_it(client, dispute):
    made = dispute()
    assert client.v1.disputes.close(made.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="lost"):
        client.v1.disputes.update(made.id, {"evidence": {"customer_name": "Ann"}})


def test_disputes_are_listed_by_payment(client, paid, dispute):
    made = dispute()
    for wanted in ({"payment_intent": made.payment_intent}, {"charge": made.charge}, {}):
        assert [each.id for each in client.v1.disputes.list(wanted).data] == [made.id]
    assert client.v1.disputes.list({"expand": ["data.charge"]}).data[0].charge.disputed is True
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        client.v1.disputes.list({"charge": "ch_nothing"})


def test_an_invalid_dispute_is_refused(client, order, visit, paid, control):
    unpaid = client.v1.checkout.sessions.create(order())
    assert control(f"sessions/{unpaid.id}/dispute").status_code == 409
    visit(unpaid.id, "decline")
    assert control(f"sessions/{unpaid.id}/dispute").status_code == 400
    for form in ({"amount": "991"}, {"reason": "whim"}, {"inquiry": "perhaps"}, {"colour": "red"}):
        assert control(f"sessions/{paid.id}/dispute", **form).status_code == 400
    assert control(f"sessions/{paid.id}/dispute").status_code == 200
    assert control(f"sessions/{paid.id}/dispute").status_code == 400
    assert control("disputes/du_nothing/close", outcome="won").status_code == 404
