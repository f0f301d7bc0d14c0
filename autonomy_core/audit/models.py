"""The table of the audit log. The application's role may only insert and select rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, utcnow


class AuditEntry(Identified, Base):
    """One action.

    Attributes:
        actor: who acted, as text.
        action: what was done, ``<thing>.<past tense>``.
        target: the object of the action, ``<kind>:<id>``.
        detail: what else is known; for a change, the members ``before`` and ``after``.
        origin: the network of the client; NULL for the command line and the worker.
    """

    __tablename__ = "audit_entries"

    actor: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    at: Mapped[datetime] = mapped_column(default=utcnow)
    origin: Mapped[str | None]
