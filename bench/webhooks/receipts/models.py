"""The plugin's table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped

from autonomy_core.plugin_api.models import Base, Identified, tenant_key


class Receipt(Identified, Base):
    """The receipt of a payment, with the payment's id."""

    __tablename__ = "receipts_receipts"
    __table_args__ = (tenant_key("id", "payments"),)

    amount: Mapped[int]
    currency: Mapped[str]
    made_at: Mapped[datetime]
