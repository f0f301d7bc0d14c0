"""The tables of products, and of what bundles consist of."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CheckConstraint, event, select
from sqlalchemy.orm import Mapped, column_property, mapped_column, query_expression, relationship
from sqlalchemy.orm.attributes import set_committed_value

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
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    purchasable: Mapped[bool | None] = query_expression()
    if TYPE_CHECKING:
        archived_at: Mapped[datetime | None]
    items: Mapped[list[Product]] = relationship(
        secondary="bundle_items",
        primaryjoin="and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.bundle_id)",
        secondaryjoin="and_(Product.organisation_id == BundleItem.organisation_id, Product.id == BundleItem.product_id)",
        order_by="BundleItem.position",
        viewonly=True,
    )


@event.listens_for(Product, "init")
def _is_in_no_archive(product: Product, *_: Any) -> None:
    set_committed_value(product, "archived_at", None)


class ArchivedProduct(OrganisationScoped, Base):
    """That a product is put away. A table of its own, since no migration changes `products` while shops read it."""

    __tablename__ = "archived_products"
    __table_args__ = (tenant_key("product_id", "products"),)

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    archived_at: Mapped[datetime]


Product.archived_at = column_property(
    select(ArchivedProduct.archived_at)
    .where(
        ArchivedProduct.organisation_id == Product.organisation_id,
        ArchivedProduct.product_id == Product.id,
    )
    .correlate_except(ArchivedProduct)
    .scalar_subquery(),
    expire_on_flush=False,
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
