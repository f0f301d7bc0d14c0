"""The table of products."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, utcnow

CURRENCY = "currency ~ '^[a-z]{3}$'"


class Product(Identified, Base):
    """Something that can be bought. ``amount`` is in the minor unit of ``currency``."""

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
