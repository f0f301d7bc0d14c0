"""The tables of second factors."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow


class Totp(OrganisationScoped, Base):
    """A customer's authenticator app.

    Attributes:
        sealed_secret: the shared secret, encrypted: see `sealing`.
        sealed_with: which of the server's secrets encrypted it.
        created_at: when the enrolment began.
        confirmed_at: when the customer proved to have the secret; NULL before. Only then it is a factor.
        last_step: the time step of the last accepted code.
    """

    __tablename__ = "customer_auth_totp"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    sealed_secret: Mapped[bytes]
    sealed_with: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)


class RecoveryCode(OrganisationScoped, Base):
    """A recovery code that was not used, as a SHA-256 of its 80 random bits. Using a code deletes it."""

    __tablename__ = "customer_auth_recovery_codes"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
