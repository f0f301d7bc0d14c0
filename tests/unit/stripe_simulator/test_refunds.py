"""Refunds by the API and by the dashboard, and the decisions of banks about them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

REFUNDED = ["refund.created", "charge.refunded"]
UPDATED = ["refund.updated", "charge.refund.updated"]


@pytest.fixture
def intent(paid):
    return paid.payment_intent.id


@pytest.fixture
def charge(client, paid):
    """Return a function that reads the charge of the paid session."""
    return lambda: client.v1.charges.retrieve(paid.payment_intent.latest_charge.id)


@pytest.fixture
def refund(client, intent):
    """Return a function that refunds the paid session."""
    return lambda **wanted: client.v1.refunds.create({"payment_intent": intent, **wanted})


@pytest.fixture
def refused(refund):
    """Return a function that requests a refund that must fail, and returns status, code and parameter."""

    def ask(**wanted):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            refund(**wanted)
        return caught.value.http_status, caught.value.code, caught.value.param

    return ask


def test_a_payment_is_refunded_as_a_whole(refund, charge, intent, told):
    told()
    made = refund(reason="requested_by_customer", metadata={"refund_id": "1"})
    assert (made.amount, made.currency, made.status) == (990, "eur", "succeeded")
    assert (made.payment_intent, made.charge) == (intent, charge().id)
    assert (made.reason, made.metadata.to_dict()) == ("requested_by_customer", {"refund_id": "1"})
    assert (charge().amount_refunded, charge().refunded) == (990, True)
    assert told() == REFUNDED


def test_a_payment_is_refunded_in_parts(client, refund, charge, refused):
    refund(amount=400)
    assert (charge().amount_refunded, charge().refunded) == (400, False)
    client.v1.refunds.create({"charge": charge().id, "amount": 90})
    assert refused(amount=501) == (400, None, "amount")
    assert refund().amount == 500
    assert charge().refunded is True
    assert refused() == refused(amount=1) == (400, "charge_already_refunded", None)


def test_an_event_about_a_refund_has_the_previous_attributes(client, refund):
    refund(amount=400)
    [event] = client.v1.events.list({"type": "charge.refunded"}).data
    assert event.data.object.amount_refunded == 400
    assert event.data.previous_attributes.to_dict() == {"amount_refunded": 0}


def test_concurrent_refunds_do_not_exceed_the_payment(refund, charge):
    def attempt(_):
        try:
            return refund(amount=300).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(8))) == charge().amount_refunded == 900


@pytest.mark.parametrize(
    ("wanted", "code", "param"),
    [
        ({"amount": 0}, None, "amount"),
        ({"amount": "1.5"}, "parameter_invalid_integer", "amount"),
        ({"reason": "generosity"}, None, "reason"),
        ({"metadata": "text"}, "parameter_invalid_object", "metadata"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"reverse_transfer": True}, "parameter_unknown", "reverse_transfer"),
        ({"charge": "ch_other"}, None, "charge"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(refused, wanted, code, param):
    assert refused(**wanted) == (400, code, param)


@pytest.mark.parametrize(
    ("wanted", "status", "code", "param"),
    [
        ({}, 400, "parameter_missing", "payment_intent"),
        ({"payment_intent": "pi_nothing"}, 404, "resource_missing", "payment_intent"),
        ({"charge": "ch_nothing"}, 404, "resource_missing", "charge"),
    ],
)
def test_a_refund_is_of_a_payment_that_exists(client, wanted, status, code, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create(wanted)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (status, code, param)


@pytest.mark.parametrize("action", ["decline", "pay_by_debit"])
def test_a_payment_that_has_not_succeeded_cannot_be_refunded(client, session, visit, action):
    visit(session.id, action)
    [intent] = client.v1.payment_intents.list().data
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})


def test_an_amount_that_the_currency_cannot_express_is_refused(client, order, visit):
    session = client.v1.checkout.sessions.create(order("isk", 50_000))
    visit(session.id, "pay")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="multiple of 100"):
        client.v1.refunds.create({"payment_intent": intent, "amount": 10_050})


def test_a_refund_is_made_once_for_each_idempotency_key(client, intent, charge):
    first, second = (
        client.v1.refunds.create({"payment_intent": intent, "amount": 100}, {"idempotency_key": "refund-1"})
        for _ in range(2)
    )
    assert (second.id, charge().amount_refunded) == (first.id, 100)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "refund-1"})


def test_an_event_names_the_request_that_refunded(client, intent):
    client.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "refund-1"})
    events = client.v1.events.list({"types": REFUNDED}).data
    assert {event.request.idempotency_key for event in events} == {"refund-1"}


def test_refunds_are_read_and_listed_by_payment(client, order, visit, refund, charge, intent):
    made = [refund(amount=100).id for _ in range(3)]
    other = client.v1.checkout.sessions.create(order())
    visit(other.id, "pay")
    refunds = client.v1.refunds
    assert refunds.retrieve(made[0], {"expand": ["charge"]}).charge.amount_refunded == 300
    for wanted in ({"payment_intent": intent}, {"charge": charge().id}, {}):
        page = refunds.list({"limit": 2, **wanted})
        assert ([each.id for each in page.data], page.has_more) == ([made[2], made[1]], True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        refunds.list({"payment_intent": "pi_nothing"})
    assert caught.value.code == "resource_missing"


def test_only_the_metadata_of_a_refund_can_be_changed(client, refund, told):
    made = refund(metadata={"a": "1"})
    told()
    changed = client.v1.refunds.update(made.id, {"metadata": {"b": "2"}})
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    assert told() == UPDATED
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.update(made.id, {"amount": 1})
    assert caught.value.code == "parameter_unknown"


def test_a_succeeded_refund_can_fail_later(client, refund, charge, control, told):
    made = refund()
    told()
    assert control(f"refunds/{made.id}/fail").status_code == 200
    failed = client.v1.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (charge().amount_refunded, charge().refunded) == (0, False)
    assert told() == ["refund.failed", *UPDATED]
    assert control(f"refunds/{made.id}/fail").status_code == 400
    assert refund().status == "succeeded"


@pytest.mark.parametrize(
    ("settle", "status", "refunded", "events"),
    [("succeed", "succeeded", 990, UPDATED), ("fail", "failed", 0, ["refund.failed", *UPDATED])],
)
def test_a_refund_of_a_debit_is_pending_until_the_bank_decides(
    client, session, visit, control, told, settle, status, refunded, events
):
    visit(session.id, "pay_by_debit", iban="AT611904300234573201")
    [charge] = client.v1.charges.list().data
    told()
    made = client.v1.refunds.create({"charge": charge.id})
    assert (made.status, made.pending_reason, told()) == ("pending", "processing", REFUNDED)
    assert control(f"refunds/{made.id}/{settle}").json()["status"] == status
    assert client.v1.charges.retrieve(charge.id).amount_refunded == refunded
    assert told() == events


@pytest.mark.parametrize(
    ("card", "first", "last"),
    [("4000000000007726", "pending", "pending"), ("4000000000005126", "succeeded", "failed")],
)
def test_a_card_for_refunds_refunds_as_its_number_says(client, session, visit, card, first, last):
    visit(session.id, "pay", card=card)
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    made = client.v1.refunds.create({"payment_intent": intent})
    assert (made.status, client.v1.refunds.retrieve(made.id).status) == (first, last)


def test_only_a_refund_that_waits_for_the_customer_can_be_cancelled(client, paid, control, charge, told):
    done, pending, waiting = (
        control(f"sessions/{paid.id}/refund", amount="100", status=status).json()["id"]
        for status in ("succeeded", "pending", "requires_action")
    )
    for refund in (done, pending):
        with pytest.raises(stripe.InvalidRequestError, match="requires_action"):
            client.v1.refunds.cancel(refund)
    told()
    assert client.v1.refunds.cancel(waiting).status == "canceled"
    assert charge().amount_refunded == 200
    assert told() == UPDATED


def test_a_refund_in_the_dashboard_looks_like_any_other(client, paid, control, charge, told):
    told()
    answer = control(f"sessions/{paid.id}/refund", amount="400", reason="duplicate")
    assert answer.status_code == 200
    [made] = client.v1.refunds.list().data
    assert (made.id, made.amount, made.reason) == (answer.json()["id"], 400, "duplicate")
    assert (made.metadata.to_dict(), charge().amount_refunded) == ({}, 400)
    assert told() == REFUNDED


def test_an_invalid_refund_in_the_dashboard_is_refused(session, paid, control, client, order):
    unpaid = client.v1.checkout.sessions.create(order())
    assert control(f"sessions/{unpaid.id}/refund").status_code == 409
    assert control("sessions/cs_test_nothing/refund").status_code == 404
    assert control("refunds/re_nothing/fail").status_code == 404
    for form in ({"amount": "991"}, {"amount": "x"}, {"reason": "whim"}, {"colour": "red"}):
        assert control(f"sessions/{paid.id}/refund", **form).status_code == 400
