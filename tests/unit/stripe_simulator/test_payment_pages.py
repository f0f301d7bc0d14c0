"""Payment methods, and the undocumented calls by which ``stripe trigger`` pays a session with one."""

from __future__ import annotations

import pytest
import stripe

PAYS, BOUNCES = "AT611904300234573201", "IT60X0542811101000000123456"


@pytest.fixture
def method(client):
    """Return a function that makes a payment method and returns its id."""

    def make(kind, **details):
        billing = {"email": "ann@example.com", "address": {"country": "GB"}}
        made = client.v1.payment_methods.create({"type": kind, kind: details, "billing_details": billing})
        assert made.billing_details.email == "ann@example.com"
        return made.id

    return make


@pytest.fixture
def confirm(http, server, session):
    """Return a function that pays a session of 9.90 EUR and returns the answer."""

    def post(payment_method, expected_amount=990, session_id=session.id):
        return http.post(
            f"{server.url}/v1/payment_pages/{session_id}/confirm",
            data={"payment_method": payment_method, "expected_amount": expected_amount},
            auth=("sk_test_acme", ""),
        )

    return post


def test_a_card_pays_the_session(client, session, http, server, method, confirm, told):
    page = http.get(f"{server.url}/v1/payment_pages/{session.id}", auth=("sk_test_acme", ""))
    assert page.json()["status"] == "open"
    assert confirm(method("card", token="tok_visa")).json()["payment_status"] == "paid"
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.status, paid.customer_details.email) == ("complete", "ann@example.com")
    assert told()[-1] == "checkout.session.completed"


@pytest.mark.parametrize(
    ("iban", "status", "what"), [(PAYS, "paid", "succeeded"), (BOUNCES, "unpaid", "failed")]
)
def test_the_bank_decides_a_debit_at_once(method, confirm, told, iban, status, what):
    assert confirm(method("sepa_debit", iban=iban)).json()["payment_status"] == status
    events = [event for event in told() if event.startswith("checkout.")]
    assert events == ["checkout.session.completed", f"checkout.session.async_payment_{what}"]


def test_a_declined_card_leaves_the_session_open(client, session, method, confirm, told):
    answer = confirm(method("card", token="tok_chargeDeclined"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "card_declined")
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert told()[-1] == "payment_intent.payment_failed"
    assert confirm(method("card", token="tok_visa")).status_code == 200


def test_a_test_card_can_cause_a_dispute(method, confirm, told):
    confirm(method("card", token="tok_createDispute"))
    assert told()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_an_invalid_payment_is_refused(client, order, method, confirm, told):
    by_card_only = client.v1.checkout.sessions.create(order(allowed_payment_method_types=["card"]))
    card, debit = method("card", token="tok_visa"), method("sepa_debit", iban=PAYS)
    for answer, param in (
        (confirm(card, expected_amount=991), "expected_amount"),
        (confirm("pm_nothing"), "payment_method"),
        (confirm(debit, session_id=by_card_only.id), "payment_method"),
        (confirm(card, session_id="cs_test_nothing"), "id"),
    ):
        assert (answer.status_code in (400, 404), answer.json()["error"]["param"]) == (True, param)
    assert told() == []


@pytest.mark.parametrize(
    ("wanted", "param"),
    [({"type": "card"}, "card"), ({"type": "card", "card": {"token": "tok_nobody"}}, "card[token]"),
     ({"type": "card", "card": {"token": "tok_visa", "number": "4242"}}, "card[number]"),
     ({"type": "giro"}, "type"),
     ({"type": "sepa_debit", "sepa_debit": {"iban": "AT00"}}, "iban"),
     ({"type": "card", "card": {"token": "tok_visa"}, "sepa_debit": {"iban": PAYS}}, "sepa_debit")],
)  # fmt: skip
def test_only_test_cards_and_test_accounts_are_payment_methods(client, wanted, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_methods.create(wanted)
    assert caught.value.param == param
