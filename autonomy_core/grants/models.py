"""The ledger of grants."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.catalog.models import Product
from autonomy_core.db.base import Base, Identified, tenant_key, utcnow


class Grant(Identified, Base):
    """A customer's right to a product, in one environment. Never deleted: revoked, with the reason."""

    __tablename__ = "grants"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        tenant_key("payment_id", "payments"),
        UniqueConstraint("organisation_id", "payment_id", "product_id"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        Index(None, "organisation_id", "customer_id", "product_id"),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    payment_id: Mapped[UUID]
    environment: Mapped[str]
    plugin: Mapped[str]
    granted_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]

    product: Mapped[Product] = relationship(lazy="raise", viewonly=True)
