"""The audit trail. The application may add to it and read it, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, utcnow


class AuditEntry(Identified, Base):
    """One act."""

    __tablename__ = "audit_entries"

    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    at: Mapped[datetime] = mapped_column(default=utcnow)
