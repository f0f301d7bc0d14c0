"""The tables of prices beyond ``products.amount``, and the columns that `Product` shows of them.

They are separate tables, because migrations do not change `products` while it is read.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, tenant_key

CURRENCY = "currency ~ '^[a-z]{3}$'"


class OpenPrice(OrganisationScoped, Base):
    """A product whose buyers pay what they want, from the product's price on, in all its currencies.

    ``suggested_amount`` is in the minor unit of the product's own currency.
    """

    __tablename__ = "open_prices"
    __table_args__ = (
        tenant_key("product_id", "products"),
        CheckConstraint("suggested_amount >= 0", name="suggested_amount"),
    )

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    suggested_amount: Mapped[int | None]


class ProductPrice(OrganisationScoped, Base):
    """A price of a product in a further currency, in its minor unit.

    ``suggested_amount`` is NULL unless the product has an `OpenPrice`.
    """

    __tablename__ = "product_prices"
    __table_args__ = (
        tenant_key("product_id", "products"),
        CheckConstraint(CURRENCY, name="currency"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("suggested_amount >= amount", name="suggested_amount"),
    )

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int]
    suggested_amount: Mapped[int | None]


def is_open(organisation_id: Any, product_id: Any) -> ColumnElement[bool]:
    """Return the SQL expression for `Priced.pay_what_you_want`; the arguments are columns of a product."""
    return _open(organisation_id, product_id).exists()


def suggestion(organisation_id: Any, product_id: Any) -> ColumnElement[Any]:
    """Return the SQL expression for `Priced.suggested_amount`; arguments as for `is_open`."""
    return _open(organisation_id, product_id).scalar_subquery()


def _open(organisation_id: Any, product_id: Any) -> Any:
    return (
        select(OpenPrice.suggested_amount)
        .where(OpenPrice.organisation_id == organisation_id, OpenPrice.product_id == product_id)
        .correlate_except(OpenPrice)
    )


def others(organisation_id: Any, product_id: Any) -> ColumnElement[Any]:
    """Return the SQL expression for `Priced.other_prices`, by currency; arguments as for `is_open`."""
    price = func.jsonb_build_object(
        literal_column("'currency'"),
        ProductPrice.currency,
        literal_column("'amount'"),
        ProductPrice.amount,
        literal_column("'suggested_amount'"),
        ProductPrice.suggested_amount,
    )
    listed = func.jsonb_agg(aggregate_order_by(price, ProductPrice.currency))
    return (
        select(func.coalesce(listed, literal_column("'[]'::jsonb"), type_=JSONB))
        .where(ProductPrice.organisation_id == organisation_id, ProductPrice.product_id == product_id)
        .correlate_except(ProductPrice)
        .scalar_subquery()
    )
