"""Differences between the versions of Stripe's API that the simulator supports."""

from __future__ import annotations

import pytest
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.versions import ACCOUNT_VERSION
from tests.unit.stripe_simulator.support import until


@pytest.fixture
def older(client_for):
    """The SDK with the previous version."""
    return client_for("sk_test_acme", stripe_version=ACCOUNT_VERSION)


def refusal(call):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.param


def test_a_session_no_longer_takes_payment_method_types(client, order):
    refused = refusal(lambda: client.v1.checkout.sessions.create(order(payment_method_types=["card"])))
    assert refused == (400, "parameter_unknown", "payment_method_types")


def test_a_payment_intent_no_longer_takes_payment_method_types(client):
    wanted = {"amount": 990, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    refused = refusal(lambda: client.v1.payment_intents.create(wanted | {"payment_method_types": ["card"]}))
    assert refused == (400, "payment_method_types_no_longer_supported", "payment_method_types")
    assert client.v1.payment_intents.create(wanted).payment_method_types == ["card"]


def test_a_session_takes_the_allowed_payment_methods_only(client, order, visit):
    session = client.v1.checkout.sessions.create(order(allowed_payment_method_types=["card", "bacs_debit"]))
    assert session.payment_method_types == ["card"]
    assert session.allowed_payment_method_types == ["card", "bacs_debit"]
    assert visit(session.id, "pay_by_debit").status_code == 409
    assert visit(session.id, "pay").status_code == 303


def test_a_session_may_allow_methods_that_are_not_available(client, order):
    refused = refusal(
        lambda: client.v1.checkout.sessions.create(order(allowed_payment_method_types=["bacs_debit"]))
    )
    assert refused == (400, None, "allowed_payment_method_types")


def test_the_previous_version_still_takes_payment_method_types(older, order):
    session = older.v1.checkout.sessions.create(order(payment_method_types=["card"]))
    assert (session.payment_method_types, "allowed_payment_method_types" in session) == (["card"], False)
    refused = refusal(lambda: older.v1.checkout.sessions.create(order(allowed_payment_method_types=["card"])))
    assert refused == (400, "parameter_unknown", "allowed_payment_method_types")


def test_an_event_is_listed_in_the_version_of_the_account(client, session):
    client.v1.checkout.sessions.expire(session.id)
    [event] = client.v1.events.list().data
    assert event.api_version == ACCOUNT_VERSION
    assert "allowed_payment_method_types" not in event.data.object


@pytest.mark.parametrize(
    ("chosen", "version"), [({"api_version": API_VERSION}, API_VERSION), ({}, ACCOUNT_VERSION)]
)
def test_an_event_is_posted_in_the_version_of_the_endpoint(client, session, listener, chosen, version):
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"], **chosen})
    client.v1.checkout.sessions.expire(session.id)
    until(lambda: listener.received)
    [event] = [delivery.event for delivery in listener.received]
    assert event["api_version"] == version
    assert ("allowed_payment_method_types" in event["data"]["object"]) is (version == API_VERSION)
