"""The table of invitations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, tenant_key, utcnow


class StaffInvitation(Identified, Base):
    """An invitation to become a member of staff, for the owner of a mailbox.

    Attributes:
        token_hash: the SHA-256 of the random token in the mail; NULL until the worker has written the mail.
        member_id: the membership that it became; NULL before.
    """

    __tablename__ = "staff_invitations"
    __table_args__ = (
        tenant_key("member_id", "staff_members"),
        UniqueConstraint("organisation_id", "token_hash"),
        CheckConstraint("role IN ('owner', 'editor', 'support', 'finance')", name="role"),
    )

    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str | None]
    invited_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    member_id: Mapped[UUID | None]
