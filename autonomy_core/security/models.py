"""API keys, as they are stored: hashed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, utcnow


class ApiKey(Identified, Base):
    """A key for an organisation's own back end, or a member of its staff."""

    __tablename__ = "api_keys"

    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
