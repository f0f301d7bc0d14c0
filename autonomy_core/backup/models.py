"""The restorations of this database from a backup."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, uuid7


class Restoration(Base):
    """One restoration. Until an operator activates it, the server does not act on live payments.

    A restoration concerns the whole server, so the table has no ``organisation_id``. The application can
    read it, and cannot change it.
    """

    __tablename__ = "restorations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    backup_taken_at: Mapped[datetime]
    restored_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
