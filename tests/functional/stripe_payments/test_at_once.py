"""An ordinary event is handled in few statements: it ends in the very rows in which the general path ends."""

import re
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.grants.models import Grant
from autonomy_core.payments.models import HookRun, JournalEntry, Payment
from stripe_payments.models import StripeEvent, StripePayment
from stripe_payments.testing import checkout_session, stripe_event
from tests.functional.stripe_payments import shop as shops
from tests.functional.stripe_payments.shop import COMPLETED, PATHS, SUCCEEDED, choose_path

TOLD_APART = {"id", "at", "created_at", "updated_at", "completed_at", "granted_at", "received_at"} | {
    "processed_at",
    "product_id",
    "payment_id",
    "event_id",
    "session_id",
    "payment_intent_id",
    "payload",
}
"""What differs between any two payments; that it is there is compared."""

SAVEPOINT = re.compile(r"sa_savepoint_\d+")
"""SQLAlchemy counts them, and an error of the database names them."""


def grants_twice(event):
    for _ in range(2):
        event.grant(event.payment.product_id)


def sees_the_payment_completed(event):
    payment = event.scope.session.scalars(select(Payment).where(Payment.id == event.payment.id)).one()
    assert (payment.status, payment.completed_at) == ("completed", event.payment.completed_at)
    payment.product_id = payment.product_id


def works_with_the_session(event):
    with event.scope.session.begin_nested():
        event.grant(event.payment.product_id)
    granted = event.scope.session.scalars(select(Grant).where(Grant.payment_id == event.payment.id)).one()
    assert granted.product_id == event.payment.product_id


def fails(event):
    event.grant(event.payment.product_id)
    raise RuntimeError("the disk is full")


def leaves_the_process(event):
    raise SystemExit(3)


def commits(event):
    event.scope.session.commit()


def swallows_an_error(event):
    with suppress(DBAPIError):
        event.scope.session.execute(text("SELECT 1 / 0"))


HOOKS = [
    grants_twice,
    sees_the_payment_completed,
    works_with_the_session,
    fails,
    leaves_the_process,
    commits,
    swallows_an_error,
]


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def choosable(event):
        for hook in chosen:
            hook(event)

    return shops.plugins_with(choosable=choosable)


@pytest.fixture
def shop(autonomy, simulator, chosen, monkeypatch):
    chosen.clear()
    monkeypatch.setattr(shops, "PLUGINS", (*shops.PLUGINS, "choosable"))
    return shops.Shop(autonomy, simulator)


def rows_of(shop, payment):
    """Everything that is recorded of a payment, without what differs between any two."""
    with shop.scope() as scope:
        return [
            sorted(
                _comparable(row, payment)
                for row in scope.session.scalars(select(model).where(key == payment.id))
            )
            for model, key in (
                (Payment, Payment.id),
                (StripePayment, StripePayment.payment_id),
                (StripeEvent, StripeEvent.payment_id),
                (HookRun, HookRun.payment_id),
                (JournalEntry, JournalEntry.payment_id),
                (Grant, Grant.payment_id),
            )
        ]


def _comparable(row, payment):
    columns = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    text = repr(
        {name: value is not None if name in TOLD_APART else value for name, value in columns.items()}
        | {"request": None, "success_url": None, "checkout_url": None}
    )
    return SAVEPOINT.sub("a savepoint", text).replace(str(payment.customer_id), "its customer")


def handled(shop, monkeypatch, path, *, opened, reports):
    """Post events about a new payment on one path; gives the answers, what is recorded, and the jobs."""
    with monkeypatch.context() as patched:
        choose_path(patched, path)
        shop.product = shop.autonomy.product()
        payment = shop.payment()
        with shop.scope() as scope:
            for name, value in opened.items():
                setattr(scope.session.get_one(StripePayment, (shop.id, payment.id)), name, value)
        before = {job["id"] for job in shop.autonomy.jobs(shop.id)}
        events = [
            stripe_event(event_type, checkout_session(payment, **changes)) for event_type, changes in reports
        ]
        answers = [shop.post(event).json["status"] for event in [*events, *events[:1]]]
        jobs = [job["task_name"] for job in shop.autonomy.jobs(shop.id) if job["id"] not in before]
        return answers, rows_of(shop, payment), jobs


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    hooks=st.lists(st.sampled_from(HOOKS), max_size=2),
    opened=st.sampled_from([{}, {"session_id": None}, {"payment_intent_id": "pi_before"}]),
    reports=st.lists(
        st.tuples(
            st.sampled_from([COMPLETED, SUCCEEDED]),
            st.sampled_from(
                [
                    {},
                    {},
                    {"payment_status": "unpaid"},
                    {"payment_status": "no_payment_required"},
                    {"payment_intent": None},
                    {"amount_total": 1},
                    {"metadata": {}},
                    {"client_reference_id": None},
                ]
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_both_paths_end_in_the_same_rows(shop, chosen, monkeypatch, hooks, opened, reports):
    chosen[:] = hooks
    at_once, in_general = (handled(shop, monkeypatch, path, opened=opened, reports=reports) for path in PATHS)
    assert at_once == in_general
