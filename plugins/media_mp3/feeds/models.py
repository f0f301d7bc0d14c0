"""The table of feeds."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class Feed(Identified, Base):
    """The private feed of a product. Its owner has one at a time.

    Attributes:
        token_hash: see `domain.hash_of`.
        used_at: when the token was used last, aware, within an hour; None if it was not.
    """

    __tablename__ = "media_mp3_feeds"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        tenant_key("product_id", "products"),
        UniqueConstraint("organisation_id", "customer_id", "product_id"),
    )

    customer_id: Mapped[UUID]
    product_id: Mapped[UUID]
    token_hash: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]
