"""Concurrent events: each settles once, in its organisation."""

import random

import pytest
from sqlalchemy import func, select, text

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.payments import lock_payment
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks import inbox
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, stripe_event, stripe_settings
from tests.functional.stripe_payments.bulk import THREADS, open_payments, post_all, rows
from tests.functional.stripe_payments.shop import (
    COMPLETED,
    PLUGINS,
    granting,
    instead_of_settling,
)

pytestmark = pytest.mark.concurrent

PURCHASES = 1000


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("stripe_payments").modules, "granting": granting})


def organise(autonomy, *organisation_ids):
    for organisation_id in organisation_ids:
        settings = {"stripe_payments": stripe_settings(organisation_id)}
        autonomy.organisation(organisation_id, plugins=PLUGINS, settings=settings)


def test_an_event_delivered_concurrently_is_handled_once(committed, monkeypatch):
    handled = []

    def noted(settle, *arguments, **named):
        handled.append(settle)
        return settle(*arguments, **named)

    instead_of_settling(monkeypatch, noted)
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    event = stripe_event(COMPLETED, checkout_session(payment))
    assert post_all(committed, [("acme", event)] * 100) == {200}
    assert len(handled) == 1
    (stored,) = rows(committed, "acme", WebhookEvent)
    assert (stored.status, stored.attempts) == ("processed", 1)
    (settled,) = rows(committed, "acme", Payment)
    assert settled.status == "completed"
    assert len(rows(committed, "acme", Grant)) == 1
    assert [run.attempts for run in rows(committed, "acme", HookRun)] == [1]


def test_concurrent_events_about_one_session_settle_once(committed):
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    session = checkout_session(payment)
    assert post_all(committed, [("acme", stripe_event(COMPLETED, session)) for _ in range(50)]) == {200}
    assert {event.status for event in rows(committed, "acme", WebhookEvent)} == {"processed"}
    assert len(rows(committed, "acme", Grant)) == 1
    assert [run.attempts for run in rows(committed, "acme", HookRun)] == [1]


def test_one_of_many_concurrent_sessions_is_bound_to_a_payment(committed):
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    with committed.scope("acme") as scope:
        scope.session.get_one(StripePayment, ("acme", payment.id)).session_id = None
    sessions = [checkout_session(payment, id=f"cs_test_{number}") for number in range(THREADS)]
    assert post_all(committed, [("acme", stripe_event(COMPLETED, session)) for session in sessions]) == {200}
    statuses = sorted(event.status for event in rows(committed, "acme", WebhookEvent))
    assert statuses == ["processed", *["set_aside"] * (THREADS - 1)]
    assert len(rows(committed, "acme", Grant)) == 1


def test_an_event_that_kills_the_connection_is_handled_by_the_job(committed, monkeypatch):
    def disconnect(_, search_or_scope, *__, **___):
        scope = getattr(search_or_scope, "scope", search_or_scope)
        scope.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    event = stripe_event(COMPLETED, checkout_session(payment))
    with monkeypatch.context() as patched:
        instead_of_settling(patched, disconnect)
        assert post_all(committed, [("acme", event)]) == {200}
    (stored,) = rows(committed, "acme", WebhookEvent)
    assert (stored.status, stored.attempts) == ("received", 0)
    assert committed.run_jobs("acme") == []
    (stored,) = rows(committed, "acme", WebhookEvent)
    assert (stored.status, stored.attempts) == ("processed", 1)
    assert len(rows(committed, "acme", Grant)) == 1


def test_an_event_with_a_locked_payment_is_handled_by_the_job(committed, monkeypatch):
    monkeypatch.setattr(inbox, "STATEMENT_TIMEOUT_S", 0.05)
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    with committed.scope("acme") as somebody:
        lock_payment(somebody, payment.id)
        assert post_all(committed, [("acme", stripe_event(COMPLETED, checkout_session(payment)))]) == {200}
    (stored,) = rows(committed, "acme", WebhookEvent)
    assert (stored.status, stored.attempts) == ("failed", 1)
    assert committed.run_jobs("acme") == []
    assert [event.status for event in rows(committed, "acme", WebhookEvent)] == ["processed"]
    assert len(rows(committed, "acme", Grant)) == 1


def test_a_thousand_concurrent_purchases_complete_in_two_organisations(committed):
    organisations = ("acme", "other")
    organise(committed, *organisations)
    payments = {each: open_payments(committed, each, PURCHASES // 2) for each in organisations}
    deliveries = [
        (organisation_id, stripe_event(COMPLETED, checkout_session(payment)))
        for organisation_id in organisations
        for payment in payments[organisation_id]
    ]
    again = deliveries[::5]
    astray = [("other", event) for organisation_id, event in deliveries[:25] if organisation_id == "acme"]
    everything = [*deliveries, *again, *astray]
    random.Random(20).shuffle(everything)
    assert post_all(committed, everything) == {200}
    for organisation_id in organisations:
        own = {payment.id: payment.customer_id for payment in payments[organisation_id]}
        completed = [
            payment for payment in rows(committed, organisation_id, Payment) if payment.status == "completed"
        ]
        assert {payment.id for payment in completed} == own.keys()
        grants = rows(committed, organisation_id, Grant)
        assert len(grants) == len(own)
        assert {grant.payment_id: grant.customer_id for grant in grants} == own
    with committed.scope("other") as scope:
        counted = select(WebhookEvent.status, func.count()).group_by(WebhookEvent.status)
        assert dict(scope.session.execute(counted).all()) == {
            "processed": PURCHASES // 2,
            "set_aside": len(astray),
        }
