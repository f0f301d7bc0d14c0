"""Events are stored once and handled once, in any order; contradicting ones are set aside."""

import itertools
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from autonomy_core.webhooks import inbox
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.events.source import StripeEvents
from stripe_payments.events.verification import verify
from stripe_payments.models import StripePayment
from stripe_payments.settings import ENVIRONMENTS, keys_of
from stripe_payments.testing import checkout_session, signed, stripe_event, webhook_secret
from tests.functional.stripe_payments.shop import (
    COMPLETED,
    EXPIRED,
    FAILED,
    PATHS,
    SUCCEEDED,
    Shop,
    choose_path,
    instead_of_settling,
)

STRANGERS = "aa729003-a566-4f09-8c11-7f9d3f5f0a10"
"""The id of a payment that is not there."""


@pytest.fixture(autouse=True, params=PATHS)
def path(request, monkeypatch):
    """Every test of this module runs on both paths."""
    choose_path(monkeypatch, request.param)


def broken(*_, **__):
    raise RuntimeError("no such luck")


def store_only(shop, event):
    """The state in which the handling has lost its transaction."""
    keys = [
        keys_of(shop.autonomy.get_organisation(shop.id).settings["stripe_payments"], each)
        for each in ENVIRONMENTS
    ]
    body, headers = signed(event, webhook_secret(shop.id))
    with shop.scope() as scope:
        return inbox.store(scope, StripeEvents(), verify(body, headers["Stripe-Signature"], keys))


@pytest.mark.parametrize(
    ("event_type", "payment_status", "status"),
    [
        (COMPLETED, "paid", "completed"),
        (COMPLETED, "no_payment_required", "completed"),
        (COMPLETED, "unpaid", "processing"),
        (SUCCEEDED, "paid", "completed"),
        (FAILED, "unpaid", "failed"),
        (EXPIRED, "unpaid", "expired"),
    ],
)
def test_each_event_that_ends_a_session_moves_the_payment(shop, event_type, payment_status, status):
    payment = shop.payment()
    answer = shop.post(shop.event(payment, event_type, payment_status=payment_status))
    assert answer.json["status"] == "processed"
    assert shop.status(payment) == status
    assert len(shop.grants()) == (status == "completed")


def test_a_processed_event_records_its_payment_and_lookup(shop):
    payment = shop.payment()
    event = shop.event(payment)
    shop.post(event)
    stored = shop.stored(event)
    assert (stored.status, stored.payment_id, stored.matched_by) == ("processed", payment.id, "session_id")
    assert (stored.environment, stored.type, stored.attempts) == ("test", COMPLETED, 1)
    assert stored.payload == event
    assert stored.processed_at >= stored.received_at


def test_a_repeated_event_is_answered_and_not_handled_again(shop):
    event = shop.event(shop.payment())
    assert [shop.post(event).json["status"] for _ in range(3)] == ["processed"] * 3
    assert shop.stored(event).attempts == 1
    assert len(shop.grants()) == 1


def test_two_events_for_one_fact_settle_once(shop):
    payment = shop.payment()
    for _ in range(2):
        assert shop.post(shop.event(payment)).json["status"] == "processed"
    assert len(shop.rows(WebhookEvent)) == 2
    assert len(shop.grants()) == 1


def test_events_of_other_types_are_stored_and_ignored(shop):
    event = stripe_event("invoice.paid", {"object": "invoice"})
    assert shop.post(event).json["status"] == "ignored"
    assert shop.stored(event).reason == "events of this type are not handled"
    assert shop.autonomy.jobs("acme") == []


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.lists(
        st.sampled_from(
            [
                (COMPLETED, "paid"),
                (COMPLETED, "unpaid"),
                (SUCCEEDED, "paid"),
                (FAILED, "unpaid"),
                (EXPIRED, "unpaid"),
            ]
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_order_of_events_ends_in_the_right_state(shop, reports):
    shop.product = shop.autonomy.product()
    payment = shop.payment()
    granted_before = len(shop.grants())
    events = {report: shop.event(payment, report[0], payment_status=report[1]) for report in set(reports)}
    for report in reports:
        shop.post(events[report])
    if any(payment_status == "paid" for _, payment_status in reports):
        expected = "completed"
    elif (FAILED, "unpaid") in reports:
        expected = "failed"
    elif (EXPIRED, "unpaid") in reports:
        expected = "expired"
    else:
        expected = "processing"
    assert shop.status(payment) == expected
    assert len(shop.grants()) - granted_before == (expected == "completed")


@pytest.mark.parametrize("order", list(itertools.permutations([COMPLETED, SUCCEEDED, FAILED, EXPIRED])))
def test_the_four_events_in_any_order_complete_a_paid_payment(shop, order):
    payment = shop.payment()
    for event_type in order:
        paid = "paid" if event_type == SUCCEEDED else "unpaid"
        shop.post(shop.event(payment, event_type, payment_status=paid))
    assert shop.status(payment) == "completed"
    assert len(shop.grants()) == 1


def test_an_event_that_was_only_stored_is_handled_by_the_job(shop):
    payment = shop.payment()
    event = shop.event(payment)
    assert store_only(shop, event) == "received"
    assert shop.status(payment) == "pending"
    assert shop.autonomy.run_jobs("acme") == []
    assert shop.stored(event).status == "processed"
    assert shop.status(payment) == "completed"


def test_an_event_that_was_only_stored_is_handled_when_redelivered(shop):
    payment = shop.payment()
    event = shop.event(payment)
    store_only(shop, event)
    assert shop.post(event).json["status"] == "processed"
    assert shop.status(payment) == "completed"


def test_an_event_that_is_handled_at_once_needs_no_job(shop):
    payment = shop.payment()
    assert shop.post(shop.event(payment, amount_total=1)).json["status"] == "set_aside"
    assert shop.post(shop.event(payment)).json["status"] == "processed"
    assert shop.autonomy.jobs("acme") == []


def test_the_job_does_nothing_for_an_event_that_has_been_handled(shop):
    event = shop.event(shop.payment())
    store_only(shop, event)
    shop.post(event)
    assert [job["task_name"] for job in shop.autonomy.jobs("acme")] == ["webhooks.handle_event"]
    assert shop.autonomy.run_jobs("acme") == []
    assert shop.stored(event).attempts == 1
    assert len(shop.grants()) == 1


def test_a_known_event_defers_no_second_job(shop, monkeypatch):
    event = shop.event(shop.payment())
    with monkeypatch.context() as patched:
        instead_of_settling(patched, broken)
        assert [shop.post(event).json["status"] for _ in range(3)] == ["failed"] * 3
    assert shop.post(event).json["status"] == "processed"
    assert len(shop.autonomy.jobs("acme")) == 1
    assert shop.stored(event).attempts == 4


def test_a_kill_while_handling_an_event_leaves_no_rows(shop, monkeypatch):
    class Killed(BaseException):
        pass

    def dying(settle, *arguments, **named):
        settle(*arguments, **named)
        raise Killed

    payment = shop.payment()
    event = shop.event(payment)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        instead_of_settling(patched, dying)
        shop.post(event)
    assert shop.stored(event) is None
    assert shop.status(payment) == "pending"
    assert shop.post(event).json["status"] == "processed"


def test_a_failing_event_is_kept_and_retried_until_it_succeeds(shop, monkeypatch):
    payment = shop.payment()
    event = shop.event(payment)
    with monkeypatch.context() as patched:
        instead_of_settling(patched, broken)
        assert shop.post(event).json == {"received": True, "status": "failed"}
        assert (shop.stored(event).reason, shop.stored(event).attempts) == ("RuntimeError", 1)
        assert shop.autonomy.run_jobs("acme") == ["webhooks.handle_event"]
        assert shop.stored(event).attempts == 2
    assert shop.autonomy.run_jobs("acme") == []
    stored = shop.stored(event)
    assert (stored.status, stored.attempts, stored.reason) == ("processed", 3, None)
    assert shop.status(payment) == "completed"


def test_a_failed_handling_is_rolled_back(shop, monkeypatch):
    def settle_and_fail(settle, *arguments, **named):
        settle(*arguments, **named)
        raise RuntimeError("after the work")

    payment = shop.payment()
    instead_of_settling(monkeypatch, settle_and_fail)
    shop.post(shop.event(payment))
    assert shop.status(payment) == "pending"
    assert shop.grants() == []


@pytest.mark.parametrize(
    ("changes", "strategy"),
    [
        ({}, "session_id"),
        ({"client_reference_id": None, "metadata": {}}, "session_id"),
        ({"forgotten": True}, "client_reference_id"),
        ({"forgotten": True, "client_reference_id": None}, "metadata"),
        (
            {"forgotten": True, "client_reference_id": None, "metadata": {}, "known_intent": True},
            "payment_intent",
        ),
    ],
)
def test_a_payment_is_found_in_several_ways_and_which_one_is_recorded(shop, changes, strategy):
    payment, event = shop.payment_and_event(**changes)
    assert shop.post(event).json["status"] == "processed"
    assert shop.stored(event).matched_by == strategy
    assert shop.status(payment) == "completed"


def test_an_unrecorded_session_is_bound_by_its_first_event(shop):
    payment = shop.autonomy.payment(shop.customer, shop.product)
    session = checkout_session(payment)
    shop.post(stripe_event(COMPLETED, session))
    (row,) = shop.rows(StripePayment)
    assert (row.session_id, row.payment_intent_id) == (session["id"], session["payment_intent"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_total": 1}, "amount"),
        ({"amount_total": 1201}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "isk", "amount_total": 120_000}, "currency"),
        ({"id": "cs_test_of_somebody_else"}, "session"),
        ({"metadata": {"organisation_id": "other"}}, "organisation"),
        ({"metadata": {"payment_id": STRANGERS}}, "payment"),
        ({"client_reference_id": STRANGERS}, "client_reference_id"),
        ({"livemode": True}, "livemode"),
        ({"amount_total": None}, "amount_total"),
        ({"amount_total": "1200"}, "amount_total"),
        ({"amount_total": True}, "amount_total"),
        ({"currency": "mga", "amount_total": 12.5}, "amount_total"),
        ({"mode": "subscription"}, "checkout session"),
        ({"payment_status": "maybe"}, "payment_status"),
        ({"id": None}, "id"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_an_event_that_differs_from_the_payment_is_set_aside(shop, change, reason):
    payment = shop.payment()
    event = stripe_event(COMPLETED, checkout_session(payment, **change), livemode=False)
    assert shop.post(event).json["status"] == "set_aside"
    stored = shop.stored(event)
    assert stored.status == "set_aside"
    assert reason in stored.reason
    assert shop.status(payment) == "pending"
    assert shop.grants() == []


def test_an_event_about_an_unknown_payment_is_set_aside(shop):
    payment = shop.payment()
    payment.id = uuid4()
    event = shop.event(payment)
    assert shop.post(event).json["status"] == "set_aside"
    assert "no payment of this organisation" in shop.stored(event).reason


def test_an_event_about_a_foreign_payment_is_set_aside(shop, autonomy, simulator):
    other = Shop(autonomy, simulator, "other")
    theirs = other.payment()
    assert shop.post(other.event(theirs)).json["status"] == "set_aside"
    assert other.status(theirs) == "pending"
    assert other.rows(WebhookEvent) == []
    assert other.grants() == shop.grants() == []


def test_a_live_event_about_a_test_payment_is_set_aside(shop):
    payment = shop.payment()
    event = shop.event(payment, livemode=True, id="cs_live_1")
    assert shop.post(event, webhook_secret("acme", "live")).json["status"] == "set_aside"
    assert "environment" in shop.stored(event).reason
    assert shop.grants() == []


def test_an_event_set_aside_stays_so_when_redelivered(shop):
    event = shop.event(shop.payment(), amount_total=1)
    assert [shop.post(event).json["status"] for _ in range(2)] == ["set_aside"] * 2
    assert shop.autonomy.run_jobs("acme") == []
    assert shop.stored(event).attempts == 1


def test_the_same_event_id_is_another_event_in_another_organisation(shop, autonomy, simulator):
    other = Shop(autonomy, simulator, "other")
    for each in (shop, other):
        event = each.event(each.payment()) | {"id": "evt_shared"}
        assert each.post(event).json["status"] == "processed"
        assert len(each.grants()) == 1


def test_an_event_of_an_abandoned_attempt_undoes_no_payment(shop):
    payment = shop.payment()
    shop.post(shop.event(payment))
    shop.post(shop.event(payment, EXPIRED, payment_status="unpaid"))
    assert shop.status(payment) == "completed"
    with shop.scope() as scope:
        assert set(scope.session.scalars(select(WebhookEvent.status))) == {"processed"}
