"""The tables of payments and of the hooks that payments have run."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.catalog.models import CURRENCY, Product
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.payments.domain import PaymentStatus


class Payment(Identified, Base):
    """What a customer owes, or has paid, for a product. ``amount`` is in the minor unit of ``currency``."""

    __tablename__ = "payments"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        CheckConstraint(
            "status IN ('pending', 'processing', 'expired', 'failed', 'completed')", name="status"
        ),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
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
    failure_reason: Mapped[str | None]
    settled_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
    completed_at: Mapped[datetime | None]

    product: Mapped[Product] = relationship(lazy="raise", viewonly=True)


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
