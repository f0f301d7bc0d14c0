"""The tables of API keys and of rate limits, which contain hashes only, and of members of staff."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow


class ApiKey(Identified, Base):
    """A key for the organisation's own back end, or for one of its staff.

    Attributes:
        member_id: the member of staff to whom the key belongs; NULL if the command line issued it.
        expires_at: until when it can be used; NULL for no limit.
        last_used_at: when it was used, with an error of some minutes; NULL if it never was.
    """

    __tablename__ = "api_keys"
    __table_args__ = (tenant_key("member_id", "staff_members"),)

    name: Mapped[str]
    secret_hash: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    revoked_at: Mapped[datetime | None]
    member_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class StaffMember(Identified, Base):
    """The role of a customer's account in the organisation. An ended membership stays, for the audit log."""

    __tablename__ = "staff_members"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        CheckConstraint("role IN ('owner', 'editor', 'support', 'finance')", name="role"),
        Index(
            "uq_staff_members_current",
            "organisation_id",
            "customer_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    customer_id: Mapped[UUID]
    role: Mapped[str]
    since: Mapped[datetime] = mapped_column(default=utcnow)
    invited_by: Mapped[str]
    ended_at: Mapped[datetime | None]


class RateCount(OrganisationScoped, Base):
    """When a bucket of attempts will be empty, see `limits`. A bucket without a row is empty.

    Attributes:
        bucket: `domain.Bucket.name`.
    """

    __tablename__ = "rate_counts"
    __table_args__ = (Index(None, "organisation_id", "drained_at"),)

    bucket: Mapped[str] = mapped_column(primary_key=True)
    drained_at: Mapped[datetime]
