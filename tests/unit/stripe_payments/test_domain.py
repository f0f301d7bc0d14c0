"""Reading events, and comparing a checkout session with its payment."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_payments.domain import (
    COMPLETED,
    EXPIRED,
    FAILED,
    SUCCEEDED,
    CheckoutSession,
    NotBelieved,
    NotUnderstood,
    Recorded,
    check_binding,
    lookups,
    outcome_of_event,
    outcome_of_session,
    parse_session,
)
from stripe_payments.events.envelopes import parse_event

PAYMENT = UUID("01920000-0000-7000-8000-000000000001")
SESSION = CheckoutSession(
    id="cs_test_1",
    environment="test",
    amount=1200,
    currency="eur",
    status="complete",
    payment_status="paid",
    organisation_id="acme",
    payment_id=PAYMENT,
    client_reference_id=PAYMENT,
    payment_intent_id="pi_1",
    payment_intent_status=None,
)
RECORDED = Recorded("acme", "test", PAYMENT, "cs_test_1", None, 1200, "eur")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=10,
)
EVENT_LIKE = st.fixed_dictionaries(
    {"object": st.just("event") | JSON},
    optional={
        "id": st.just("evt_1") | JSON,
        "type": st.just(COMPLETED) | JSON,
        "livemode": st.booleans() | JSON,
        "data": st.fixed_dictionaries({"object": st.dictionaries(st.text(max_size=5), JSON)}) | JSON,
    },
)
SESSION_LIKE = st.fixed_dictionaries(
    {"object": st.just("checkout.session"), "mode": st.just("payment"), "id": st.just("cs_1") | JSON},
    optional={
        "livemode": st.booleans() | JSON,
        "amount_total": st.integers() | JSON,
        "currency": st.sampled_from(["eur", "isk", "mga"]) | JSON,
        "status": st.just("complete") | JSON,
        "payment_status": st.just("paid") | JSON,
        "metadata": JSON,
        "client_reference_id": JSON,
        "payment_intent": JSON,
    },
)


@given(EVENT_LIKE | JSON)
def test_a_signed_body_is_an_event_or_is_refused(payload):
    try:
        event = parse_event(payload)
    except NotUnderstood:
        return
    assert (event.event_id, event.type) == (payload["id"], payload["type"])
    assert event.environment == ("live" if payload["livemode"] else "test")


@given(SESSION_LIKE)
def test_the_object_of_an_event_is_a_session_or_is_refused(subject):
    try:
        session = parse_session(subject)
    except NotUnderstood:
        return
    assert isinstance(session.amount, int)
    for lookup in lookups(session):
        assert isinstance(lookup.value, str | UUID)


def test_lookups_come_in_a_fixed_order():
    assert [lookup.strategy for lookup in lookups(SESSION)] == [
        "session_id",
        "client_reference_id",
        "metadata",
        "payment_intent",
    ]


def test_a_lookup_without_a_value_is_left_out():
    bare = replace(SESSION, client_reference_id=None, payment_id=None, payment_intent_id=None)
    assert [lookup.strategy for lookup in lookups(bare)] == ["session_id"]


@pytest.mark.parametrize(
    ("event_type", "payment_status", "outcome"),
    [
        (COMPLETED, "paid", "completed"),
        (COMPLETED, "no_payment_required", "completed"),
        (COMPLETED, "unpaid", "processing"),
        (SUCCEEDED, "paid", "completed"),
        (FAILED, "unpaid", "failed"),
        (EXPIRED, "unpaid", "expired"),
    ],
)
def test_each_event_has_its_outcome(event_type, payment_status, outcome):
    assert outcome_of_event(event_type, payment_status) == outcome


def test_an_unknown_payment_status_is_refused():
    with pytest.raises(NotUnderstood, match="half_paid"):
        outcome_of_event(COMPLETED, "half_paid")


@pytest.mark.parametrize(
    ("status", "payment_status", "intent", "outcome"),
    [
        ("open", "unpaid", None, None),
        ("open", "unpaid", "requires_payment_method", None),
        ("expired", "unpaid", None, "expired"),
        ("complete", "paid", "succeeded", "completed"),
        ("complete", "no_payment_required", None, "completed"),
        ("complete", "unpaid", "processing", "processing"),
        ("complete", "unpaid", "requires_payment_method", "failed"),
        ("complete", "unpaid", "canceled", "failed"),
    ],
)
def test_a_session_that_was_fetched_has_its_outcome(status, payment_status, intent, outcome):
    session = replace(SESSION, status=status, payment_status=payment_status, payment_intent_status=intent)
    assert outcome_of_session(session) == outcome


def test_a_session_that_agrees_is_accepted():
    check_binding(SESSION, "test", RECORDED)


def test_our_metadata_may_be_missing_from_a_session():
    bare = replace(SESSION, organisation_id=None, payment_id=None, client_reference_id=None)
    check_binding(bare, "test", RECORDED)


def test_an_unrecorded_session_is_accepted_when_the_rest_agrees():
    check_binding(SESSION, "test", replace(RECORDED, session_id=None))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"organisation_id": "other"}, "organisation"),
        ({"environment": "live"}, "livemode"),
        ({"payment_id": uuid4()}, "payment"),
        ({"client_reference_id": uuid4()}, "client_reference_id"),
        ({"id": "cs_test_2"}, "session"),
        ({"amount": 1199}, "amount"),
        ({"currency": "usd"}, "currency"),
    ],
)
def test_a_session_that_differs_in_one_field_is_refused(change, named):
    with pytest.raises(NotBelieved, match=f"{named}: "):
        check_binding(replace(SESSION, **change), "test", RECORDED)


def test_the_environment_of_the_secret_is_compared_too():
    with pytest.raises(NotBelieved, match="environment: "):
        check_binding(SESSION, "live", RECORDED)


def test_all_differences_are_named_at_once():
    with pytest.raises(NotBelieved, match=r"amount: .*; currency: "):
        check_binding(replace(SESSION, amount=1, currency="usd"), "test", RECORDED)
