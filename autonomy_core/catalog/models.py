"""The tables of products, and of what bundles consist of."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow

BUNDLE = "bundle"
"""The kind of products that consist of others. It is the core's, so that every organisation has it."""
CURRENCY = "currency ~ '^[a-z]{3}$'"


class Product(Identified, Base):
    """Something that can be bought. ``amount`` is in the minor unit of ``currency``.

    ``items`` are the products that a bundle consists of, in their order; other products have none. An archived product is
    neither sold nor listed; customers who own it keep it. ``purchasable`` is known where it was asked for.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint(CURRENCY, name="currency"),
    )

    title: Mapped[str]
    description: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    purchasable: Mapped[bool | None] = query_expression()
    items: Mapped[list[Product]] = relationship(
        secondary="bundle_items",
        primaryjoin="and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.bundle_id)",
        secondaryjoin="and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.product_id)",
        order_by="BundleItem.position",
        viewonly=True,
    )


class BundleItem(OrganisationScoped, Base):
    """A product that a bundle consists of; ``position`` is its place among the others."""

    __tablename__ = "bundle_items"
    __table_args__ = (
        tenant_key("bundle_id", "products"),
        tenant_key("product_id", "products"),
        CheckConstraint("bundle_id <> product_id", name="not_itself"),
    )

    bundle_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
