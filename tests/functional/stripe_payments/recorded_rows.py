"""The rows that describe a payment, in a form in which two payments can be compared."""

import re

from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.mail.models import MailMessage
from autonomy_core.payments.models import HookRun, JournalEntry, Payment
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.models import StripePayment

TOLD_APART = {"id", "at", "created_at", "updated_at", "completed_at", "granted_at", "received_at"} | {
    "processed_at",
    "product_id",
    "payment_id",
    "event_id",
    "session_id",
    "payment_intent_id",
    "payload",
    "message_id",
    "recipient",
    "once",
    "template_values",
    "due_at",
}
"""Columns whose values differ between any two payments; only whether they are set is compared."""

SAVEPOINT = re.compile(r"sa_savepoint_\d+")
"""SQLAlchemy counts them, and an error of the database names them."""


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
                (WebhookEvent, WebhookEvent.payment_id),
                (HookRun, HookRun.payment_id),
                (JournalEntry, JournalEntry.payment_id),
                (Grant, Grant.payment_id),
            )
        ] + [[_comparable(mail, payment) for mail in scope.session.scalars(receipts_of(payment))]]


def receipts_of(payment):
    """Select the receipts of a payment. It has one if it was completed."""
    return select(MailMessage).where(MailMessage.once == f"receipt:{payment.id}")


def _comparable(row, payment):
    columns = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    text = repr(
        {name: value is not None if name in TOLD_APART else value for name, value in columns.items()}
        | {"request": None, "success_url": None, "checkout_url": None}
    )
    return SAVEPOINT.sub("a savepoint", text).replace(str(payment.customer_id), "its customer")
