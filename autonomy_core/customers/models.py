"""The table of customers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, utcnow


class Customer(Identified, Base):
    """A customer of one organisation. The same address in another organisation is another customer."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("organisation_id", "email"),)

    email: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
