"""The tables of coupons."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, query_expression, relationship

from autonomy_core.coupons.domain import RedemptionStatus, Reduction
from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.prices.models import CURRENCY
from autonomy_core.tenancy.domain import Environment

STATUSES = ", ".join(f"'{status}'" for status in RedemptionStatus)


class Coupon(Identified, Base):
    """A code that reduces a price by ``percent_off``, or by ``amount_off`` in the minor unit of ``currency``.

    A redemption locks the row first, so that the limits hold. Only `services.coupons_with_usage` sets
    ``used`` and ``reserved``.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        UniqueConstraint("organisation_id", "code"),
        CheckConstraint("code = upper(code)", name="code_in_upper_case"),
        CheckConstraint("num_nonnulls(amount_off, percent_off) = 1", name="one_reduction"),
        CheckConstraint("amount_off > 0", name="amount_off"),
        CheckConstraint("percent_off BETWEEN 1 AND 100", name="percent_off"),
        CheckConstraint("(amount_off IS NULL) = (currency IS NULL)", name="currency_of_amount"),
        CheckConstraint(CURRENCY, name="currency"),
        CheckConstraint("starts_at < ends_at", name="window"),
        CheckConstraint("max_redemptions > 0", name="max_redemptions"),
        CheckConstraint("max_per_customer > 0", name="max_per_customer"),
    )

    code: Mapped[str]
    amount_off: Mapped[int | None]
    currency: Mapped[str | None]
    percent_off: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    max_redemptions: Mapped[int | None]
    max_per_customer: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    restrictions: Mapped[list[CouponProduct]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    used: Mapped[int | None] = query_expression()
    reserved: Mapped[int | None] = query_expression()

    @property
    def product_ids(self) -> list[UUID] | None:
        """The ids of the products that it is limited to; None for all products."""
        return [restriction.product_id for restriction in self.restrictions] or None

    @property
    def reduction(self) -> Reduction:
        """The reduction."""
        return Reduction(percent_off=self.percent_off, amount_off=self.amount_off)


class CouponProduct(OrganisationScoped, Base):
    """A product that a coupon is limited to. A coupon without such rows is valid for all products."""

    __tablename__ = "coupon_products"
    __table_args__ = (
        tenant_key("coupon_id", "coupons"),
        tenant_key("product_id", "products"),
    )

    coupon_id: Mapped[UUID] = mapped_column(primary_key=True)
    product_id: Mapped[UUID] = mapped_column(primary_key=True)


class CouponRedemption(OrganisationScoped, Base):
    """A payment that was reduced by a coupon, and whether it counts for the coupon's limits."""

    __tablename__ = "coupon_redemptions"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        tenant_key("coupon_id", "coupons"),
        tenant_key("customer_id", "customers"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        CheckConstraint(f"status IN ({STATUSES})", name="status"),
        Index(None, "organisation_id", "coupon_id"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    coupon_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    environment: Mapped[Environment]
    status: Mapped[str] = mapped_column(default=RedemptionStatus.RESERVED)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
