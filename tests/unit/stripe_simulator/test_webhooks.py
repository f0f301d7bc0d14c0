"""Webhook endpoints, events, and their signed delivery."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import stripe

from stripe_simulator import API_VERSION
from tests.unit.stripe_simulator.support import until

CHECKOUT = "checkout.session."


@pytest.fixture
def endpoint(client, listener):
    """An endpoint of the test's account, at the listener, for all events."""
    made = client.v1.webhook_endpoints.create(
        {"url": listener.url, "enabled_events": ["*"], "api_version": API_VERSION, "metadata": {"a": "1"}}
    )
    listener.secret = made.secret
    return made


def delivered(ledger, count):
    """Wait until ``count`` deliveries have ended, and return all there are."""
    return until(
        lambda: (
            len(found := ledger()["deliveries"]) == count
            and all(delivery["status"] != "pending" for delivery in found)
            and found
        )
    )


def test_the_secret_of_an_endpoint_is_shown_only_at_its_creation(client, endpoint):
    assert endpoint.secret.startswith("whsec_")
    assert (endpoint.api_version, endpoint.status) == (API_VERSION, "enabled")
    read = client.v1.webhook_endpoints.retrieve(endpoint.id).to_dict()
    updated = client.v1.webhook_endpoints.update(endpoint.id, {"description": "ours"}).to_dict()
    [listed] = (one.to_dict() for one in client.v1.webhook_endpoints.list().data)
    assert "secret" not in read | updated | listed
    assert listed["description"] == "ours"


def test_an_endpoint_can_be_changed_and_deleted(client, endpoint, listener):
    change = client.v1.webhook_endpoints.update
    changed = change(endpoint.id, {"enabled_events": [f"{CHECKOUT}completed"], "metadata": {"b": "2"}})
    assert changed.enabled_events == [f"{CHECKOUT}completed"]
    assert changed.metadata.to_dict() == {"a": "1", "b": "2"}
    assert change(endpoint.id, {"metadata": {"a": ""}}).metadata.to_dict() == {"b": "2"}
    assert change(endpoint.id, {"metadata": ""}).metadata.to_dict() == {}
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
        client.v1.webhook_endpoints.retrieve(endpoint.id)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"url": "shop.example"}, "url"),
        ({"enabled_events": ["checkout.session.paid"]}, "enabled_events[0]"),
        ({"enabled_events": []}, "enabled_events"),
        ({"api_version": "2020-08-27"}, "api_version"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_endpoint_is_refused(client, changes, param):
    wanted = {"url": "https://shop.example/hook", "enabled_events": ["*"]} | changes
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.create(wanted)
    assert caught.value.param == param


def test_the_version_of_an_endpoint_is_chosen_when_it_is_made(client, endpoint):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.update(endpoint.id, {"api_version": API_VERSION})
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "api_version")


def test_a_description_can_be_removed(client, endpoint):
    assert client.v1.webhook_endpoints.update(endpoint.id, {"description": "ours"}).description == "ours"
    assert client.v1.webhook_endpoints.update(endpoint.id, {"description": ""}).description is None


def test_an_account_has_at_most_sixteen_endpoints(client, client_for):
    wanted = {"url": "https://shop.example/hook", "enabled_events": ["*"]}
    made = [client.v1.webhook_endpoints.create(wanted).id for _ in range(16)]
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16 test webhook endpoints"):
        client.v1.webhook_endpoints.create(wanted)
    client.v1.webhook_endpoints.delete(made[0])
    assert client.v1.webhook_endpoints.create(wanted)
    assert client_for("sk_test_other").v1.webhook_endpoints.create(wanted)


@pytest.mark.parametrize(
    ("actions", "types", "payment_status"),
    [
        (["pay"], ["completed"], "paid"),
        (["pay_by_debit"], ["completed"], "unpaid"),
        (["pay_by_debit", "debit_succeeds"], ["completed", "async_payment_succeeded"], "paid"),
        (["pay_by_debit", "debit_fails"], ["completed", "async_payment_failed"], "unpaid"),
        (["expire"], ["expired"], "unpaid"),
        (["decline", "pay"], ["completed"], "paid"),
    ],
)
def test_checkout_causes_the_events_of_stripe(client, session, visit, actions, types, payment_status):
    for action in actions:
        visit(session.id, action)
    events = [event for event in client.v1.events.list().data if event.type.startswith(CHECKOUT)]
    assert [event.type for event in events] == [CHECKOUT + name for name in reversed(types)]
    told = events[0].data.object
    assert (told.id, told.payment_status, told.url) == (session.id, payment_status, None)


def test_an_event_shows_its_object_as_it_was(client, session, visit):
    visit(session.id, "pay_by_debit")
    visit(session.id, "debit_succeeds")
    [completed] = client.v1.events.list({"type": f"{CHECKOUT}completed"}).data
    assert completed.data.object.payment_status == "unpaid"
    assert client.v1.events.retrieve(completed.id).data.object.payment_status == "unpaid"
    assert completed.livemode is False


def test_an_event_names_the_request_that_caused_it(client, session):
    expired = client.v1.checkout.sessions.expire(session.id, None, {"idempotency_key": "expire-1"})
    [event] = client.v1.events.list().data
    assert event.request.to_dict() == {"id": expired.last_response.request_id, "idempotency_key": "expire-1"}


def test_a_delivery_is_signed_with_the_endpoints_secret(endpoint, listener, session, visit):
    visit(session.id, "pay")
    for delivery in until(lambda: len(listener.received) == 4 and listener.received):
        assert delivery.verify(endpoint.secret)
        assert delivery.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(listener.types()) == {
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        f"{CHECKOUT}completed",
    }


def test_an_endpoint_gets_only_the_events_it_enabled(client, listener, session, visit, ledger):
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": [f"{CHECKOUT}completed"]})
    visit(session.id, "pay")
    delivered(ledger, 1)
    assert listener.types() == [f"{CHECKOUT}completed"]


def test_an_endpoint_gets_nothing_of_another_account(client_for, endpoint, listener, order, visit, ledger):
    other = client_for("sk_test_other").v1.checkout.sessions.create(order())
    visit(other.id, "pay")
    assert ledger()["deliveries"] == listener.received == []


def test_a_delivery_is_retried_until_a_2xx_answer(endpoint, listener, session, visit, ledger):
    listener.statuses = [500, 303, 404, 204]
    visit(session.id, "expire")
    [delivery] = delivered(ledger, 1)
    assert delivery["status"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 303, 404, 204]
    assert len(listener.received) == 4


def test_every_attempt_has_a_timestamp_and_signature_of_its_own(
    endpoint, listener, session, visit, ledger, monkeypatch
):
    seconds = itertools.count(1_700_000_000)
    monkeypatch.setattr("stripe._webhook.time", SimpleNamespace(time=lambda: next(seconds)))
    listener.statuses = [500, 500, 200]
    visit(session.id, "expire")
    delivered(ledger, 1)
    signatures = {delivery.headers["Stripe-Signature"] for delivery in listener.received}
    assert len(signatures) == 3
    assert len({delivery.body for delivery in listener.received}) == 1


def test_a_delivery_that_is_never_accepted_fails_in_the_end(client, session, visit, ledger):
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    visit(session.id, "expire")
    [delivery] = delivered(ledger, 1)
    assert delivery["status"] == "failed"
    assert [attempt["error"] for attempt in delivery["attempts"]] == ["ConnectionError"] * 8


def test_a_failing_endpoint_does_not_hold_up_another(client, endpoint, listener, session, visit, ledger):
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": ["*"]})
    visit(session.id, "expire")
    outcomes = {delivery["endpoint"]: delivery for delivery in delivered(ledger, 2)}
    assert outcomes[endpoint.id]["status"] == "delivered"
    assert len(outcomes[endpoint.id]["attempts"]) == 1


def test_a_disabled_or_deleted_endpoint_gets_nothing(client, endpoint, listener, order, visit, ledger):
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    visit(client.v1.checkout.sessions.create(order()).id, "expire")
    client.v1.webhook_endpoints.delete(endpoint.id)
    visit(client.v1.checkout.sessions.create(order()).id, "expire")
    assert ledger()["deliveries"] == listener.received == []


def test_an_event_tells_how_many_deliveries_are_pending(client, endpoint, session, visit, ledger):
    visit(session.id, "expire")
    delivered(ledger, 1)
    assert client.v1.events.list().data[0].pending_webhooks == 0
