"""The plugin's table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow
from autonomy_core.plugin_api.payments import Environment


class Bonus(Identified, Base):
    """A bonus that a payment earned; at most one per payment."""

    __tablename__ = "bonus_track_bonuses"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        UniqueConstraint("organisation_id", "payment_id"),
        Index(None, "organisation_id", "customer_id", "id"),
    )

    payment_id: Mapped[UUID]
    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    environment: Mapped[Environment]
    given_at: Mapped[datetime] = mapped_column(default=utcnow)
