"""Hooks for completed payments: some use everything that a hook may do, some do what a hook must not."""

from contextlib import suppress

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.grants.models import Grant
from autonomy_core.payments.models import Payment


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
