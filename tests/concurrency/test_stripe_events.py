"""Many events at once: each settles once, in the right place."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, select, text
from webob import Request

from autonomy_core.customers.models import Customer
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.models import utcnow, uuid7
from autonomy_core.plugin_api.payments import lock_payment
from autonomy_core.testing.application import chosen_plugins
from stripe_payments.events import inbox
from stripe_payments.models import StripeEvent, StripePayment
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret
from tests.functional.stripe_payments.shop import (
    COMPLETED,
    PLUGINS,
    granting,
    instead_of_settling,
)

pytestmark = pytest.mark.concurrent

THREADS = 16
PURCHASES = 1000


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("stripe_payments").modules, "granting": granting})


def organise(autonomy, *organisation_ids):
    for organisation_id in organisation_ids:
        settings = {"stripe_payments": stripe_settings(organisation_id)}
        autonomy.organisation(organisation_id, plugins=PLUGINS, settings=settings)


def open_payments(autonomy, organisation_id, number):
    """Payments that wait for their events, of as many customers, for one product."""
    product = autonomy.product(organisation_id)
    own = {"organisation_id": organisation_id}
    customers = [
        {**own, "id": uuid7(), "email": f"{n}.{product.id}@example.org", "name": "", "created_at": utcnow()}
        for n in range(number)
    ]
    payments = [
        Payment(
            **own,
            id=uuid7(),
            customer_id=customer["id"],
            product_id=product.id,
            provider="stripe_payments",
            environment="test",
            status="pending",
            amount=product.amount,
            currency=product.currency,
        )
        for customer in customers
    ]
    with autonomy.scope(organisation_id) as scope:
        scope.session.execute(insert(Customer), customers)
        scope.session.add_all(payments)
        scope.session.flush()
        scope.session.add_all(
            StripePayment(
                **own,
                payment_id=payment.id,
                environment="test",
                session_id=checkout_session(payment)["id"],
                success_url="https://shop.example/",
            )
            for payment in payments
        )
    return payments


def post_all(autonomy, deliveries):
    """Post events to organisations' webhooks, many at once; gives the statuses of the answers."""

    def post(delivery):
        organisation_id, event = delivery
        body, headers = signed(event, webhook_secret(organisation_id))
        request = Request.blank(
            f"/api/webhook/stripe/{organisation_id}", method="POST", body=body, headers=headers
        )
        return request.get_response(autonomy.app.app).status_int

    with ThreadPoolExecutor(THREADS) as threads:
        return set(threads.map(post, deliveries))


def rows(autonomy, organisation_id, model):
    with autonomy.scope(organisation_id) as scope:
        return list(scope.session.scalars(select(model)))


def test_the_same_event_delivered_a_hundred_times_sixteen_at_once_is_handled_once(committed, monkeypatch):
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
    (stored,) = rows(committed, "acme", StripeEvent)
    assert (stored.status, stored.attempts) == ("processed", 1)
    (settled,) = rows(committed, "acme", Payment)
    assert settled.status == "completed"
    assert len(rows(committed, "acme", Grant)) == 1
    assert [run.attempts for run in rows(committed, "acme", HookRun)] == [1]


def test_many_events_for_one_fact_at_once_settle_once(committed):
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    session = checkout_session(payment)
    assert post_all(committed, [("acme", stripe_event(COMPLETED, session)) for _ in range(50)]) == {200}
    assert {event.status for event in rows(committed, "acme", StripeEvent)} == {"processed"}
    assert len(rows(committed, "acme", Grant)) == 1
    assert [run.attempts for run in rows(committed, "acme", HookRun)] == [1]


def test_of_many_sessions_that_name_one_payment_at_once_one_is_bound(committed):
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    with committed.scope("acme") as scope:
        scope.session.get_one(StripePayment, ("acme", payment.id)).session_id = None
    sessions = [checkout_session(payment, id=f"cs_test_{number}") for number in range(THREADS)]
    assert post_all(committed, [("acme", stripe_event(COMPLETED, session)) for session in sessions]) == {200}
    statuses = sorted(event.status for event in rows(committed, "acme", StripeEvent))
    assert statuses == ["processed", *["set_aside"] * (THREADS - 1)]
    assert len(rows(committed, "acme", Grant)) == 1


def test_an_event_whose_handling_kills_the_connection_is_kept_and_handled_by_the_job(committed, monkeypatch):
    def disconnect(_, search_or_scope, *__, **___):
        scope = getattr(search_or_scope, "scope", search_or_scope)
        scope.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    event = stripe_event(COMPLETED, checkout_session(payment))
    with monkeypatch.context() as patched:
        instead_of_settling(patched, disconnect)
        assert post_all(committed, [("acme", event)]) == {200}
    (stored,) = rows(committed, "acme", StripeEvent)
    assert (stored.status, stored.attempts) == ("received", 0)
    assert committed.run_jobs("acme") == []
    (stored,) = rows(committed, "acme", StripeEvent)
    assert (stored.status, stored.attempts) == ("processed", 1)
    assert len(rows(committed, "acme", Grant)) == 1


def test_an_event_whose_payment_somebody_else_keeps_locked_is_kept_and_handled_by_the_job(
    committed, monkeypatch
):
    monkeypatch.setattr(inbox, "PATIENCE_S", 0.05)
    organise(committed, "acme")
    (payment,) = open_payments(committed, "acme", 1)
    with committed.scope("acme") as somebody:
        lock_payment(somebody, payment.id)
        assert post_all(committed, [("acme", stripe_event(COMPLETED, checkout_session(payment)))]) == {200}
    (stored,) = rows(committed, "acme", StripeEvent)
    assert (stored.status, stored.attempts) == ("failed", 1)
    assert committed.run_jobs("acme") == []
    assert [event.status for event in rows(committed, "acme", StripeEvent)] == ["processed"]
    assert len(rows(committed, "acme", Grant)) == 1


def test_a_thousand_purchases_in_two_organisations_at_once_end_complete_and_in_the_right_place(committed):
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
        counted = select(StripeEvent.status, func.count()).group_by(StripeEvent.status)
        assert dict(scope.session.execute(counted).all()) == {
            "processed": PURCHASES // 2,
            "set_aside": len(astray),
        }
