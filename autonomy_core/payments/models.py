"""The tables of payments, of what became of their money, and of the hooks that they have run."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.catalog.models import CURRENCY, Product
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.kernel.settlements import DisputeStatus, PaymentStatus, RefundStatus


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Payment(Identified, Base):
    """What a customer owes, or has paid, for a product. Amounts are in the minor unit of ``currency``.

    ``status`` and ``refunded_amount`` follow from how far collecting has come and from the refunds and disputes;
    ``reversals`` tells whether there are any of these, so that of most payments nobody has to look.
    ``discount`` is what a coupon has taken off the price; ``amount`` is what is left of it, and is collected.
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
    environment: Mapped[str]
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


class PaymentItem(OrganisationScoped, Base):
    """A product that was in the bundle that a payment is for; a payment for another product has none.

    ``amount`` is what was paid for it, in the minor unit of the payment's currency; together it is the payment's. It is
    NULL, of all items of a payment alike, where the version before has sold the bundle, which kept none: before the
    migration, or between it and the restart. Then it is divided when it is read, see `items.paid_for`.
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


class PaymentReturn(OrganisationScoped, Base):
    """The pages to which a buyer returns who has named one; of a payment without a row none was named.

    A table of its own, because a column would lock the payments while it is added.
    """

    __tablename__ = "payment_returns"
    __table_args__ = (tenant_key("payment_id", "payments"),)

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    success_url: Mapped[str]
    cancel_url: Mapped[str]


class HookRun(OrganisationScoped, Base):
    """What came of one plugin's ``on_payment_completed`` for one payment."""

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


class PaymentRefund(Identified, Base):
    """Money that goes back to a buyer, whoever asked for it. ``reference`` is the provider's id of it, once it has one.

    ``items`` are the products that it is for, which go back with it; a refund of an amount is for none.
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
    # The database has a default too: the version before, which runs until it is restarted, leaves it out.
    items: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    status: Mapped[str]
    reason: Mapped[str | None]
    requested_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class PaymentDispute(Identified, Base):
    """Money that a buyer's bank has taken back, or asks about."""

    __tablename__ = "payment_disputes"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        UniqueConstraint("organisation_id", "payment_id", "reference"),
        _one_of("status", DisputeStatus),
    )

    payment_id: Mapped[UUID]
    reference: Mapped[str]
    # The bank's currency may have far more minor units than the payment's.
    amount: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)


class JournalEntry(Identified, Base):
    """Something that happened to a payment, in the order in which it became known. Only ever added to."""

    __tablename__ = "payment_journal"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        Index(None, "organisation_id", "payment_id", "id"),
    )

    payment_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(default=utcnow)
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
