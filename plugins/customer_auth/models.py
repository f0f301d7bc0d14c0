"""The plugin's tables."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, OrganisationScoped, tenant_key, utcnow


class Credential(OrganisationScoped, Base):
    """A customer's password, hashed. A customer may have none: other ways to log in have tables of their own."""

    __tablename__ = "customer_auth_credentials"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class LoginSession(Identified, Base):
    """One login, and the family of refresh tokens that descend from it. Ending it ends them all.

    Whoever exchanges or revokes a token of the family locks this row first.
    """

    __tablename__ = "customer_auth_sessions"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        Index(None, "organisation_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(OrganisationScoped, Base):
    """A refresh token, as the SHA-256 of its 256 random bits: there is nothing to guess by trying."""

    __tablename__ = "customer_auth_refresh_tokens"
    __table_args__ = (
        tenant_key("session_id", "customer_auth_sessions", ondelete="CASCADE"),
        Index(None, "organisation_id", "session_id"),
    )

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]


class Attempts(OrganisationScoped, Base):
    """A bucket of attempts, see `domain.RateLimit`. One that has drained is as good as none."""

    __tablename__ = "customer_auth_attempts"
    __table_args__ = (Index(None, "organisation_id", "drained_at"),)

    bucket: Mapped[str] = mapped_column(primary_key=True)
    drained_at: Mapped[datetime]
