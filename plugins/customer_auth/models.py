"""The plugin's tables."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, OrganisationScoped, tenant_key, utcnow


class Credential(OrganisationScoped, Base):
    """A customer's hashed password. It is optional, because other plugins may add other ways to log in."""

    __tablename__ = "customer_auth_credentials"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class LoginSession(Identified, Base):
    """One login, and its refresh tokens. Ending the login invalidates all of them.

    Code that exchanges or revokes one of the tokens locks this row first.
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
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    """`sessions.methods.Method`: what the customer was authenticated with."""
    authenticated_at: Mapped[datetime] = mapped_column(default=utcnow, server_default=text("now()"))
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow, server_default=text("now()"))
    """When the login began or was last refreshed."""
    browser: Mapped[str | None]
    system: Mapped[str | None]
    network: Mapped[str | None]


class RefreshToken(OrganisationScoped, Base):
    """A refresh token, stored as the SHA-256 of its 256 random bits, which cannot be guessed."""

    __tablename__ = "customer_auth_refresh_tokens"
    __table_args__ = (
        tenant_key("session_id", "customer_auth_sessions", ondelete="CASCADE"),
        Index(None, "organisation_id", "session_id"),
    )

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime | None]


class Flow(Identified, Base):
    """What is kept between two requests of a login or of a passkey: see `sessions.flows`.

    Attributes:
        kind: a `sessions.flows.FlowKind`.
        handle_hash: the SHA-256 of the 256 random bits that the client holds.
        customer_id: the customer; NULL if a passkey is going to identify it.
        methods: what the customer was authenticated with.
        challenge, rp_id: what a passkey is going to sign.
    """

    __tablename__ = "customer_auth_flows"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "handle_hash"),
        Index(None, "organisation_id", "customer_id"),
        Index(None, "organisation_id", "expires_at"),
    )

    kind: Mapped[str]
    handle_hash: Mapped[str]
    customer_id: Mapped[UUID | None]
    methods: Mapped[list[str]] = mapped_column(ARRAY(Text))
    challenge: Mapped[bytes | None]
    rp_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
