"""The tables of payments, refunds, disputes, hook runs and the journal."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.catalog.models import Product
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.kernel.settlements import DisputeStatus, PaymentStatus, RefundStatus
from autonomy_core.prices.models import CURRENCY
from autonomy_core.tenancy.domain import Environment


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Payment(Identified, Base):
    """A payment of a customer for a product. Amounts are in the minor unit of ``currency``.

    ``status`` and ``refunded_amount`` follow from the state of collecting, the refunds and the disputes.
    ``reversals`` is true if there are refunds or disputes, so that most payments need no query for them.
    ``discount`` is the reduction by a coupon; ``amount`` is the rest, which is collected.
    """

    __tablename__ = "payments"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        tenant_key("coupon_id", "coupons"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        _one_of("status", PaymentStatus),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        CheckConstraint("discount >= 0", name="discount_not_negative"),
        CheckConstraint(
            "(coupon_id IS NULL) = (discount = 0) AND (coupon_id IS NULL) = (coupon_code IS NULL)",
            name="discount_by_coupon",
        ),
        CheckConstraint(CURRENCY, name="currency"),
        Index(None, "organisation_id", "customer_id", "id"),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    provider: Mapped[str]
    environment: Mapped[Environment]
    status: Mapped[str] = mapped_column(default=PaymentStatus.PENDING)
    amount: Mapped[int]
    currency: Mapped[str]
    discount: Mapped[int] = mapped_column(default=0)
    coupon_id: Mapped[UUID | None]
    coupon_code: Mapped[str | None]
    refunded_amount: Mapped[int] = mapped_column(default=0)
    reversals: Mapped[bool] = mapped_column(default=False)
    failure_reason: Mapped[str | None]
    settled_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
    completed_at: Mapped[datetime | None]

    product: Mapped[Product] = relationship(lazy="raise", viewonly=True)
    customer: Mapped[Customer] = relationship(lazy="raise", viewonly=True)
    tax: Mapped[PaymentTax | None] = relationship(lazy="raise", viewonly=True)


class PaymentItem(OrganisationScoped, Base):
    """A product of the bundle that a payment is for; a payment for another product has none.

    ``amount`` is the amount paid for the product, in the minor unit of the payment's currency; the sum is the
    payment's amount. It is NULL in all items of a payment if an older version sold the bundle, before the
    migration or between the migration and the restart. In this case `items.paid_for` computes it.
    """

    __tablename__ = "payment_items"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        tenant_key("product_id", "products"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int | None]


class PaymentTax(OrganisationScoped, Base):
    """The tax that the provider reports in the amount of a completed payment. Without a row none is known.

    This is a separate table, because adding a column would lock the payments.
    """

    __tablename__ = "payment_taxes"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int]


class PaymentReturn(OrganisationScoped, Base):
    """The return pages that a buyer's client gave for a payment. Without a row there are none.

    This is a separate table, because adding a column would lock the payments.
    """

    __tablename__ = "payment_returns"
    __table_args__ = (tenant_key("payment_id", "payments"),)

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    success_url: Mapped[str]
    cancel_url: Mapped[str]


class HookRun(OrganisationScoped, Base):
    """The result of one plugin's ``on_payment_completed`` for one payment."""

    __tablename__ = "payment_hook_runs"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint("outcome IN ('succeeded', 'failed')", name="outcome"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    plugin: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    attempts: Mapped[int]
    last_error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class ReversalHookRun(OrganisationScoped, Base):
    """The result of one plugin's hook about a refund, a dispute or a revoked grant of a payment.

    ``subject`` tells the calls of one hook for one payment apart, see `reversal_hooks`. This is a separate
    table from `HookRun`, because the primary key of that one is used by the version before.
    """

    __tablename__ = "payment_reversal_hook_runs"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint("outcome IN ('succeeded', 'failed')", name="outcome"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    hook: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    plugin: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    attempts: Mapped[int]
    last_error: Mapped[str | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class PaymentConsent(OrganisationScoped, Base):
    """A buyer's consent to immediate delivery, and the acknowledgement that the right of withdrawal is lost.

    ``text`` is the text that was shown, so that a later change of it does not change the evidence.
    """

    __tablename__ = "payment_consents"
    __table_args__ = (tenant_key("payment_id", "payments"),)

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    text_version: Mapped[str]
    locale: Mapped[str]
    text: Mapped[str]
    given_at: Mapped[datetime] = mapped_column(default=utcnow)
    client_network: Mapped[str | None]


class PaymentRefund(Identified, Base):
    """A refund. ``reference`` is the provider's id, once it is known.

    ``items`` are the refunded products; a refund of an amount has none.
    """

    __tablename__ = "payment_refunds"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        UniqueConstraint("organisation_id", "payment_id", "reference"),
        CheckConstraint("amount > 0", name="amount_positive"),
        _one_of("status", RefundStatus),
    )

    payment_id: Mapped[UUID]
    reference: Mapped[str | None]
    amount: Mapped[int]
    # The database has a default too, because an older version that still runs omits the column.
    items: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    status: Mapped[str]
    reason: Mapped[str | None]
    requested_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class PaymentDispute(Identified, Base):
    """A dispute: money that the buyer's bank has taken back, or an inquiry of the bank."""

    __tablename__ = "payment_disputes"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        UniqueConstraint("organisation_id", "payment_id", "reference"),
        _one_of("status", DisputeStatus),
    )

    payment_id: Mapped[UUID]
    reference: Mapped[str]
    # The dispute's currency may have far more minor units than the payment's.
    amount: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class JournalEntry(Identified, Base):
    """An event of a payment, in the order in which the events became known. Entries are never changed."""

    __tablename__ = "payment_journal"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        Index(None, "organisation_id", "payment_id", "id"),
    )

    payment_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(default=utcnow)
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
