"""The ledger of grants."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.catalog.models import Product
from autonomy_core.db.base import Base, Identified, tenant_key, utcnow
from autonomy_core.tenancy.domain import Environment


class Grant(Identified, Base):
    """A customer's right to a product in one environment.

    A grant is never deleted, but revoked with a reason. It comes from a payment, or was given by staff or a
    plugin.

    Attributes:
        payment_id: the payment; NULL if the product was given.
        plugin: the plugin that granted or gave it; ``staff`` if staff gave it, ``code`` for a download code.
        given_by, given_because: who gave it, as in the audit log, and why; NULL with a payment.
    """

    __tablename__ = "grants"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        tenant_key("payment_id", "payments"),
        UniqueConstraint("organisation_id", "payment_id", "product_id"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        CheckConstraint("num_nonnulls(payment_id, given_by) = 1", name="one_origin"),
        CheckConstraint("(given_by IS NULL) = (given_because IS NULL)", name="given"),
        Index(None, "organisation_id", "customer_id", "product_id"),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    payment_id: Mapped[UUID | None]
    environment: Mapped[Environment]
    plugin: Mapped[str]
    given_by: Mapped[str | None]
    given_because: Mapped[str | None]
    granted_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]

    product: Mapped[Product] = relationship(lazy="raise", viewonly=True)
