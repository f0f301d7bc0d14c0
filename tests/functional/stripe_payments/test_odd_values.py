"""Impossible values in Stripe's objects: the event is set aside once and not retried for ever."""

import pytest

from autonomy_core.payments.models import PaymentDispute
from stripe_payments.testing import stripe_event
from tests.functional.stripe_payments.shop import refunds

HUGE = 10**30


@pytest.fixture
def sold(shop):
    """The id of a payment that is completed."""
    return shop.sell()


def about(shop, sold, kind, **members):
    """An object of Stripe's about the payment."""
    intent = f"{shop.ledger('sessions')[0]['payment_intent']}"
    metadata = {"organisation_id": shop.id, "payment_id": str(sold)}
    common = {"payment_intent": intent, "currency": "eur", "amount": 300, "metadata": metadata}
    return {"id": f"{kind}_odd", "object": kind, "status": "succeeded", **common, **members}


def post_twice(shop, event):
    """Post an event, and once more; gives what has come of it."""
    answers = {shop.post(event).json["status"] for _ in range(2)}
    assert answers == {shop.stored(event).status}
    assert shop.autonomy.jobs(shop.id) == []
    return shop.stored(event)


@pytest.mark.parametrize("amount", [0, -500, HUGE, 2**31, 1.5, "300", None, True])
def test_a_refund_with_an_impossible_amount_is_set_aside_once(shop, sold, amount):
    stored = post_twice(shop, stripe_event("refund.created", about(shop, sold, "refund", amount=amount)))
    assert (stored.status, stored.attempts) == ("set_aside", 1)
    assert "cannot go back" in stored.reason or "has no amount" in stored.reason
    assert (shop.status(sold), refunds(shop)) == ("completed", [])


@pytest.mark.parametrize("amount", [-1, HUGE, 2**63, "300", None])
def test_a_dispute_with_an_impossible_amount_is_set_aside_once(shop, sold, amount):
    dispute = about(shop, sold, "dispute", amount=amount, status="needs_response")
    stored = post_twice(shop, stripe_event("charge.dispute.created", dispute))
    assert (stored.status, stored.attempts) == ("set_aside", 1)
    assert (shop.status(sold), shop.rows(PaymentDispute)) == ("completed", [])


def test_a_dispute_in_a_currency_of_many_units_is_recorded(shop, sold):
    dispute = about(shop, sold, "dispute", amount=25_000_000_000, currency="vnd", status="needs_response")
    assert post_twice(shop, stripe_event("charge.dispute.created", dispute)).status == "processed"
    assert [row.amount for row in shop.rows(PaymentDispute)] == [25_000_000_000]
    assert shop.status(sold) == "disputed"


@pytest.mark.parametrize("amount", [-1, HUGE, "300", None])
def test_a_charge_with_an_impossible_amount_has_no_effect(shop, sold, amount):
    charge = about(shop, sold, "charge", amount_refunded=amount)
    assert shop.post(stripe_event("charge.refunded", charge)).json["status"] in ("processed", "set_aside")
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.status(sold), refunds(shop)) == ("completed", [])


@pytest.mark.parametrize("name", ["id", "status", "currency", "object"])
@pytest.mark.parametrize("value", [None, {}, "x" * 5000])
def test_an_event_with_a_missing_or_wrong_member_is_set_aside_once(shop, sold, name, value):
    stored = post_twice(shop, stripe_event("refund.created", about(shop, sold, "refund", **{name: value})))
    assert (stored.status, stored.attempts) == ("set_aside", 1)
    assert refunds(shop) == []


@pytest.mark.parametrize("name", ["id", "status", "currency", "amount"])
def test_an_incomplete_refund_is_listed_in_the_timeline(shop, sold, name):
    refund = about(shop, sold, "refund")
    del refund[name]
    assert post_twice(shop, stripe_event("refund.created", refund)).status == "set_aside"
    timeline = shop.as_staff("get", f"payments/{sold}/timeline", status=200).json["items"]
    assert [entry["detail"].get("status") for entry in timeline][-1] == "set_aside"


@pytest.mark.parametrize("intent", [7, "pi_" + "x" * 5000, {}])
def test_an_invalid_payment_intent_is_not_waited_for(shop, intent):
    refund = {"id": "re_odd", "object": "refund", "status": "succeeded", "currency": "eur", "amount": 300}
    stored = post_twice(shop, stripe_event("refund.created", refund | {"payment_intent": intent}))
    assert (stored.status, stored.attempts) == ("set_aside", 1)


@pytest.mark.parametrize("created", [HUGE, -HUGE, 2**62])
def test_an_event_with_an_impossible_date_does_not_break_the_timeline(shop, sold, created):
    event = stripe_event("refund.created", about(shop, sold, "refund"), created=created)
    assert shop.post(event).json["status"] == "processed"
    timeline = shop.as_staff("get", f"payments/{sold}/timeline").json["items"]
    assert [entry["detail"]["event_id"] for entry in timeline if entry["kind"] == "event_received"][
        -1
    ] == event["id"]
