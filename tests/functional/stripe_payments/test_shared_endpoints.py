"""Organisations that share an endpoint: each event is handled for the organisation it is about."""

from __future__ import annotations

import pytest

from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, signed, stripe_event, webhook_secret
from tests.functional.stripe_payments.shop import COMPLETED, Shop

SHARED = "whsec_of_both"


@pytest.fixture
def addressed(shop):
    """The organisation that the endpoint's URL names."""
    shop.configure(test_webhook_secret=SHARED)
    return shop


@pytest.fixture
def other(autonomy, simulator, addressed):
    """Another one that shares the endpoint."""
    other = Shop(autonomy, simulator, "other")
    other.configure(test_webhook_secret=SHARED)
    return other


def post(addressed, event, secret=SHARED):
    return addressed.post(event, secret).json["status"]


def about_intent(event_type, intent, **changes):
    """An event about an object made in the dashboard, without metadata of an organisation."""
    subject = {"object": "dispute", "livemode": False, "metadata": {}, "payment_intent": intent, **changes}
    return stripe_event(event_type, subject)


def test_an_event_is_handled_for_the_organisation_in_its_metadata(addressed, other):
    payment = other.payment()
    event = other.event(payment)
    assert post(addressed, event) == "processed"
    assert other.status(payment) == "completed"
    assert len(other.grants()) == 1
    assert (addressed.rows(WebhookEvent), addressed.grants()) == ([], [])
    assert other.stored(event).payload == event


def test_events_of_the_addressed_organisation_stay_there(addressed, other):
    payment = addressed.payment()
    assert post(addressed, addressed.event(payment)) == "processed"
    assert other.rows(WebhookEvent) == []


def test_the_same_event_at_two_endpoints_is_handled_once(addressed, other):
    payment = other.payment()
    event = other.event(payment)
    assert [post(each, event) for each in (addressed, other, addressed)] == ["processed"] * 3
    assert other.stored(event).attempts == 1
    assert len(other.grants()) == 1


def test_metadata_without_a_shared_secret_is_ignored(addressed, other):
    """The other organisation has its own secret, so this secret does not verify events for it."""
    other.configure()
    payment = other.payment()
    assert post(addressed, other.event(payment)) == "set_aside"
    assert other.status(payment) == "pending"
    assert other.rows(WebhookEvent) == []


def test_a_secret_shared_across_environments_is_ignored(addressed, other):
    other.configure(webhook_secret=SHARED, test_webhook_secret=webhook_secret("other"))
    payment = other.payment()
    assert post(addressed, other.event(payment)) == "set_aside"
    assert other.rows(WebhookEvent) == []


@pytest.mark.parametrize("named", ["nobody", "../other", "", 7, None, ["other"]])
def test_an_event_naming_an_unknown_organisation_stays(addressed, other, named):
    event = stripe_event(COMPLETED, checkout_session(other.payment(), metadata={"organisation_id": named}))
    assert post(addressed, event) == "set_aside"
    assert other.rows(WebhookEvent) == []


def test_an_organisation_with_the_plugin_disabled_gets_no_event(addressed, other, autonomy):
    payment = other.payment()
    event = other.event(payment)
    autonomy.organisation("other")
    assert post(addressed, event) == "set_aside"


def test_a_dispute_without_metadata_goes_to_the_payments_organisation(addressed, other):
    payment = other.payment()
    post(addressed, other.event(payment))
    intent = other.rows(StripePayment)[0].payment_intent_id
    event = about_intent("charge.dispute.created", intent)
    post(addressed, event)
    assert other.stored(event) is not None
    assert addressed.rows(WebhookEvent) == []
    expanded = about_intent("refund.created", {"id": intent, "object": "payment_intent"})
    post(addressed, expanded)
    assert other.stored(expanded) is not None


@pytest.mark.parametrize("intent", ["pi_of_nobody", None, 7, {}])
def test_a_dispute_about_an_unknown_payment_stays(addressed, other, intent):
    event = about_intent("charge.dispute.created", intent)
    post(addressed, event)
    assert addressed.stored(event) is not None
    assert other.rows(WebhookEvent) == []


def test_a_dispute_about_a_non_sharing_organisation_stays(addressed, other):
    payment = other.payment()
    post(addressed, other.event(payment))
    other.configure()
    event = about_intent("charge.dispute.created", other.rows(StripePayment)[0].payment_intent_id)
    post(addressed, event)
    assert addressed.stored(event) is not None


def test_a_previous_secret_counts_as_shared_during_a_rotation(addressed, other):
    addressed.configure(test_webhook_secret="whsec_new", test_previous_webhook_secret=SHARED)
    payment = other.payment()
    assert post(addressed, other.event(payment)) == "processed"
    later = other.event(payment)
    other.configure(test_webhook_secret="whsec_new", test_previous_webhook_secret=SHARED)
    assert [post(addressed, later, secret) for secret in ("whsec_new", SHARED)] == ["processed"] * 2


def test_the_previous_secret_verifies_and_after_the_rotation_does_not(addressed):
    addressed.configure(test_webhook_secret="whsec_new", test_previous_webhook_secret=SHARED)
    event = addressed.event(addressed.payment())
    assert [post(addressed, event, secret) for secret in ("whsec_new", SHARED)] == ["processed"] * 2
    addressed.configure(test_webhook_secret="whsec_new")
    body, headers = signed(event, SHARED)
    assert addressed.post_raw(body, headers, status=400).json["code"] == "bad_signature"
