"""Payment intents without a session, created and paid in one call, as ``stripe trigger`` does."""

from __future__ import annotations

import pytest
import stripe


def wanted(method="pm_card_visa", **changes):
    return {"amount": 2000, "currency": "eur", "payment_method": method, "confirm": True} | changes


def test_a_confirmed_payment_intent_is_paid_at_once(client, told):
    intent = client.v1.payment_intents.create(
        wanted(metadata={"order": "7"}, expand=["latest_charge"], description="by hand")
    )
    assert (intent.status, intent.amount_received, intent.metadata["order"]) == ("succeeded", 2000, "7")
    assert (intent.latest_charge.paid, intent.latest_charge.description) == (True, "by hand")
    assert told() == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_a_declined_card_is_an_error_that_keeps_what_happened(client, told):
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.create(wanted("pm_card_chargeDeclined"), {"idempotency_key": "one-attempt"})
    assert (caught.value.http_status, caught.value.code) == (402, "card_declined")
    assert caught.value.error.decline_code == "generic_decline"
    kept = client.v1.payment_intents.retrieve(caught.value.error.payment_intent.id)
    assert (kept.status, kept.last_payment_error.code) == ("requires_payment_method", "card_declined")
    assert told() == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(wanted("pm_card_chargeDeclined"), {"idempotency_key": "one-attempt"})
    assert told() == []


@pytest.mark.parametrize(
    ("method", "events"),
    [
        ("pm_card_createDispute", ["charge.dispute.created", "charge.dispute.funds_withdrawn"]),
        ("pm_card_createDisputeInquiry", ["charge.dispute.created"]),
    ],
)
def test_a_test_card_can_cause_a_dispute(client, told, method, events):
    client.v1.payment_intents.create(wanted(method))
    assert told()[3:] == events


def test_an_inquiry_that_is_given_up_is_closed_and_takes_no_money(client, told):
    intent = client.v1.payment_intents.create(wanted("pm_card_createDisputeInquiry"))
    [dispute] = client.v1.disputes.list({"payment_intent": intent.id}).data
    told()
    assert client.v1.disputes.close(dispute.id).status == "warning_closed"
    assert told() == ["charge.dispute.closed"]


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"payment_method": "pm_card_nobody"}, "payment_method"),
     ({"payment_method": "visa_"}, "payment_method"),
     ({"confirm": False}, "confirm"), ({"amount": 0}, "amount"), ({"amount": 49}, "amount"),
     ({"currency": "xxx"}, "currency"),
     ({"capture_method": "manual"}, "capture_method"),
     ({"shipping": {"name": "Ann", "address": {"country": "Utopia"}}}, "shipping[address][country]")],
)  # fmt: skip
def test_parameters_that_are_not_simulated_are_refused(client, told, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.create(wanted(**changes))
    assert caught.value.param == param
    assert told() == []
