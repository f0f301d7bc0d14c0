"""The table of passkeys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class Passkey(Identified, Base):
    """A passkey of a customer.

    Attributes:
        customer_id: the customer.
        name: how the customer calls it.
        credential_id: the authenticator's id of the credential.
        public_key: the credential's public key, in the format of COSE.
        rp_id: the host that the passkey belongs to. It works on no other host.
        sign_count: the authenticator's counter of signatures at the latest use; 0 if it does not count.
        backed_up: whether the authenticator has copied it to other devices of the customer.
        last_used_at: when it was last used.
        copied_at: when a signature's counter was not higher than the previous one: a copy may exist.
    """

    __tablename__ = "customer_auth_passkeys"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "credential_id"),
        Index(None, "organisation_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    name: Mapped[str]
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    rp_id: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    backed_up: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]
    copied_at: Mapped[datetime | None]
