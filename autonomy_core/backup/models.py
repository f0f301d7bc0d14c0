"""When this database was restored from a backup."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, uuid7


class Restoration(Base):
    """One restoration. As long as it is not activated, the server acts on no live payment.

    It concerns the server as a whole: the table has no ``organisation_id``, and the application may only read it.
    """

    __tablename__ = "restorations"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    backup_taken_at: Mapped[datetime]
    restored_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
