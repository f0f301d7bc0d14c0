"""Organisations of one Stripe account share an endpoint: each event is handled for the one that it is about."""

from __future__ import annotations

import pytest

from stripe_payments.models import StripeEvent, StripePayment
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
    """An event about something that was made in the dashboard, and bears nobody's name."""
    subject = {"object": "dispute", "livemode": False, "metadata": {}, "payment_intent": intent, **changes}
    return stripe_event(event_type, subject)


def test_an_event_is_stored_and_handled_for_the_organisation_that_its_metadata_names(addressed, other):
    payment = other.payment()
    event = other.event(payment)
    assert post(addressed, event) == "processed"
    assert other.status(payment) == "completed"
    assert len(other.grants()) == 1
    assert (addressed.rows(StripeEvent), addressed.grants()) == ([], [])
    assert other.stored(event).payload == event


def test_the_addressed_organisations_own_events_stay_its_own(addressed, other):
    payment = addressed.payment()
    assert post(addressed, addressed.event(payment)) == "processed"
    assert other.rows(StripeEvent) == []


def test_the_same_event_at_two_endpoints_is_handled_once(addressed, other):
    payment = other.payment()
    event = other.event(payment)
    assert [post(each, event) for each in (addressed, other, addressed)] == ["processed"] * 3
    assert other.stored(event).attempts == 1
    assert len(other.grants()) == 1


def test_metadata_alone_hands_nothing_over(addressed, other):
    """The other organisation has a secret of its own: whoever signs with this one cannot speak to it."""
    other.configure()
    payment = other.payment()
    assert post(addressed, other.event(payment)) == "set_aside"
    assert other.status(payment) == "pending"
    assert other.rows(StripeEvent) == []


def test_the_same_secret_in_the_other_environment_hands_nothing_over(addressed, other):
    other.configure(webhook_secret=SHARED, test_webhook_secret=webhook_secret("other"))
    payment = other.payment()
    assert post(addressed, other.event(payment)) == "set_aside"
    assert other.rows(StripeEvent) == []


@pytest.mark.parametrize("named", ["nobody", "../other", "", 7, None, ["other"]])
def test_an_event_that_names_nobody_who_is_there_stays_with_the_addressed_one(addressed, other, named):
    event = stripe_event(COMPLETED, checkout_session(other.payment(), metadata={"organisation_id": named}))
    assert post(addressed, event) == "set_aside"
    assert other.rows(StripeEvent) == []


def test_an_organisation_that_has_disabled_the_plugin_gets_nothing(addressed, other, autonomy):
    payment = other.payment()
    event = other.event(payment)
    autonomy.organisation("other")
    assert post(addressed, event) == "set_aside"


def test_a_dispute_that_names_nobody_goes_to_whoever_made_the_payment(addressed, other):
    payment = other.payment()
    post(addressed, other.event(payment))
    intent = other.rows(StripePayment)[0].payment_intent_id
    event = about_intent("charge.dispute.created", intent)
    post(addressed, event)
    assert other.stored(event) is not None
    assert addressed.rows(StripeEvent) == []
    expanded = about_intent("refund.created", {"id": intent, "object": "payment_intent"})
    post(addressed, expanded)
    assert other.stored(expanded) is not None


@pytest.mark.parametrize("intent", ["pi_of_nobody", None, 7, {}])
def test_a_dispute_about_nobodys_payment_stays_with_the_addressed_one(addressed, other, intent):
    event = about_intent("charge.dispute.created", intent)
    post(addressed, event)
    assert addressed.stored(event) is not None
    assert other.rows(StripeEvent) == []


def test_a_dispute_about_the_payment_of_somebody_who_does_not_share_stays_with_the_addressed_one(
    addressed, other
):
    payment = other.payment()
    post(addressed, other.event(payment))
    other.configure()
    event = about_intent("charge.dispute.created", other.rows(StripePayment)[0].payment_intent_id)
    post(addressed, event)
    assert addressed.stored(event) is not None


def test_while_a_secret_is_replaced_the_old_one_hands_over_as_well(addressed, other):
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
