"""An organisation whose payments, refunds and disputes happen at chosen times."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import Text, cast, delete, func, select, true, update

from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.payments.models import (
    HookRun,
    JournalEntry,
    Payment,
    PaymentDispute,
    PaymentItem,
    PaymentRefund,
)
from autonomy_core.plugin_api.payments import (
    BalanceKind,
    BalanceReport,
    DisputeReport,
    DisputeStatus,
    RefundReport,
    RefundStatus,
    record_balances,
)
from autonomy_core.testing import stand_ins

OF_PAYMENTS = (PaymentBalance, HookRun, JournalEntry, PaymentRefund, PaymentDispute, PaymentItem, Payment)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Books:
    """The organisation, with a thing, and a bundle of three things.

    Args:
        autonomy: the application.
        organisation_id: the organisation.
        changes: further keys of its file.
    """

    def __init__(self, autonomy, organisation_id="acme", **changes):
        autonomy.organisation(organisation_id, **changes)
        self.autonomy, self.id = autonomy, organisation_id
        self.customer = autonomy.customer(organisation_id)
        self.thing = autonomy.product(organisation_id, title="Thing")
        self.parts = [autonomy.product(organisation_id, title=f"Part {each}") for each in "abc"]
        self.bundle = autonomy.product(organisation_id, title="Bundle", kind="bundle")

    def scope(self):
        return self.autonomy.scope(self.id)

    def open(self, amount=1200, currency="eur", shares=(), environment="test"):
        """Open a payment for the thing; with shares one for the bundle."""
        product = self.bundle if shares else self.thing
        with self.scope() as scope:
            payment = Payment(
                organisation_id=self.id,
                id=uuid4(),
                customer_id=self.customer.id,
                product_id=product.id,
                provider=stand_ins.NAME,
                environment=environment,
                amount=sum(shares) if shares else amount,
                currency=currency,
            )
            scope.session.add(payment)
            scope.session.flush()
            scope.session.add_all(
                PaymentItem(organisation_id=self.id, payment_id=payment.id, product_id=part.id, amount=share)
                for part, share in zip(self.parts, shares, strict=False)
            )
        return payment

    def sell(self, at=NOON, **values):
        """A payment that was completed at a time."""
        payment = self.open(**values)
        self.report(payment, at)
        return payment

    def clear(self):
        """Remove all payments."""
        with self.scope() as scope:
            for model in OF_PAYMENTS:
                scope.session.execute(delete(model))

    def report(self, payment, at, **changes):
        """Settle a payment at a time, as its provider reports it."""
        with self.scope() as scope:
            newest = scope.session.scalar(select(func.max(cast(JournalEntry.id, Text))))
        self.autonomy.settle(payment, **({"status": None} | changes if changes else {}))
        new = JournalEntry.id > UUID(newest) if newest else true()
        completed = (Payment.id == payment.id) & Payment.completed_at.is_not(None)
        with self.scope() as scope:
            scope.session.execute(update(JournalEntry).where(new).values(at=at))
            if not changes:
                scope.session.execute(update(Payment).where(completed).values(completed_at=at))

    def refund(self, payment, amount, at=NOON, status="succeeded", reference="re_1", items=()):
        report = RefundReport(
            reference, amount, payment.currency, RefundStatus(status), items=frozenset(items)
        )
        self.report(payment, at, refunds=(report,))

    def dispute(self, payment, amount, at=NOON, status="open", reference="du_1", currency=None):
        report = DisputeReport(reference, amount, currency or payment.currency, DisputeStatus(status))
        self.report(payment, at, disputes=(report,))

    def balance(self, payment, amount, fee, at=NOON, currency=None, kind=BalanceKind.PAYMENT, reference=None):
        """Record a change of the provider's balance; return the number of new rows."""
        report = BalanceReport(
            payment.id, reference or f"txn_{uuid4().hex}", kind, amount, fee, currency or payment.currency, at
        )
        with self.scope() as scope:
            return record_balances(scope, stand_ins.NAME, [report])

    def figures(self, status=200, **query):
        """What the API answers."""
        headers = self.autonomy.as_staff(self.id)
        query = {"from": "2026-01-01", "to": "2026-12-31"} | query
        return self.autonomy.app.get(
            f"/{self.id}/api/v1/admin/figures", query, headers=headers, status=status
        ).json
