"""The control endpoints: the ledger, decisions of the bank, repeated deliveries."""

from __future__ import annotations

import pytest

from stripe_simulator.identifiers import account_of
from tests.unit.stripe_simulator.support import until


def test_the_ledger_has_enough_to_compare_every_session(client, client_for, order, visit, ledger):
    parameters = order(metadata={"payment_id": "1"})
    paid = client.v1.checkout.sessions.create(parameters)
    other = client_for("sk_test_other").v1.checkout.sessions.create(parameters)
    visit(paid.id, "pay")
    told = {session["id"]: session for session in ledger()["sessions"]}
    names = ("account", "status", "payment_status", "amount_total", "currency", "metadata")
    assert [told[paid.id][name] for name in names] == [
        account_of("sk_test_acme"), "complete", "paid", 990, "eur", {"payment_id": "1"},
    ]  # fmt: skip
    assert told[other.id]["account"] == account_of("sk_test_other")
    assert sorted(ledger()["accounts"]) == sorted([told[paid.id]["account"], told[other.id]["account"]])


def test_the_ledger_has_no_key_and_no_secret(client, listener, session, visit, http, server):
    endpoint = client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})
    visit(session.id, "pay")
    text = http.get(f"{server.url}/_simulator/ledger").text
    assert endpoint.id in text
    assert endpoint.secret not in text
    assert "sk_test" not in text


@pytest.mark.parametrize(("outcome", "payment_status"), [("succeeded", "paid"), ("failed", "unpaid")])
def test_a_bank_debit_is_settled_on_request(client, session, visit, control, outcome, payment_status):
    visit(session.id, "pay_by_debit")
    answer = control(f"sessions/{session.id}/settle", outcome=outcome)
    assert (answer.status_code, answer.json()["payment_status"]) == (200, payment_status)
    assert client.v1.events.list({"type": f"checkout.session.async_payment_{outcome}"}).data
    assert control(f"sessions/{session.id}/settle", outcome=outcome).status_code == 409


def test_only_a_processing_debit_can_be_settled(session, control, visit, ledger):
    assert control(f"sessions/{session.id}/settle", outcome="succeeded").status_code == 409
    assert ledger()["payment_intents"] == []
    visit(session.id, "pay")
    assert control(f"sessions/{session.id}/settle", outcome="succeeded").status_code == 409
    assert control(f"sessions/{session.id}/settle", outcome="perhaps").status_code == 400
    assert control("sessions/cs_test_nothing/settle", outcome="failed").status_code == 404


def test_a_session_expires_on_request(client, session, control):
    assert control(f"sessions/{session.id}/expire").json()["status"] == "expired"
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_an_event_can_be_delivered_again_any_number_of_times(client, listener, session, control, ledger):
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})
    client.v1.checkout.sessions.expire(session.id)
    event = client.v1.events.list().data[0].id
    assert control(f"events/{event}/deliver", times=30).json() == {"deliveries": 30}
    until(lambda: len(listener.received) == 31)
    assert {delivery.event["id"] for delivery in listener.received} == {event}
    until(lambda: all(delivery["status"] == "delivered" for delivery in ledger()["deliveries"]))


def test_an_invalid_delivery_is_refused(client, session, control):
    client.v1.checkout.sessions.expire(session.id)
    event = client.v1.events.list().data[0].id
    assert control("events/evt_nothing/deliver").status_code == 404
    for times in ("0", "-1", "many", "10001"):
        assert control(f"events/{event}/deliver", times=times).status_code == 400


def test_a_seeded_endpoint_has_the_given_secret_and_is_not_repeated(server, client, listener, session):
    for _ in range(2):
        server.simulator.seed_endpoint("sk_test_acme", listener.url, "whsec_from_the_ini")
    assert len(client.v1.webhook_endpoints.list().data) == 1
    client.v1.checkout.sessions.expire(session.id)
    [delivery] = until(lambda: listener.received)
    assert delivery.verify("whsec_from_the_ini")
