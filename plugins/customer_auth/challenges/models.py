"""The table of challenges."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class Challenge(Identified, Base):
    """A link and, for some purposes, a code that were mailed to an address. See `domain`.

    Attributes:
        purpose: a `domain.Purpose`.
        email: the address of the mailbox whose owner proves to read it.
        customer_id: the account that the mail was about; NULL if the address had none.
        token_hash: the SHA-256 of the link's token.
        code_hash: the keyed hash of the code; NULL without a code.
        wrong_codes: how many wrong codes were typed.
        browser_hash: the SHA-256 of the requesting client's handle; NULL if any client may use it.
        data: what else the purpose needs.
        used_at: when it was used, or was ended by the use of another one.
    """

    __tablename__ = "customer_auth_challenges"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "token_hash"),
        Index(None, "organisation_id", "email"),
        Index(None, "organisation_id", "customer_id"),
        Index(None, "organisation_id", "browser_hash", postgresql_where=text("browser_hash IS NOT NULL")),
        Index(None, "organisation_id", "expires_at"),
    )

    purpose: Mapped[str]
    email: Mapped[str]
    customer_id: Mapped[UUID | None]
    token_hash: Mapped[str]
    code_hash: Mapped[str | None]
    wrong_codes: Mapped[int] = mapped_column(default=0)
    browser_hash: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
