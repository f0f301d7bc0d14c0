"""The table of identities at other providers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class ProviderIdentity(Identified, Base):
    """A customer's account at a provider, with which the customer can log in.

    Attributes:
        issuer: the provider. Its name in the ini file may change.
        subject: the customer's id there. It never changes, unlike an address.
    """

    __tablename__ = "customer_auth_identities"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "issuer", "subject"),
        Index(None, "organisation_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    issuer: Mapped[str]
    subject: Mapped[str]
    linked_at: Mapped[datetime] = mapped_column(default=utcnow)
    used_at: Mapped[datetime] = mapped_column(default=utcnow)
