"""The tables of download codes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, query_expression

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.tenancy.domain import Environment


class CodeBatch(Identified, Base):
    """Codes for one product that were made together.

    Only `services.batches_of` sets ``used`` (redemptions) and ``revoked`` (codes).
    """

    __tablename__ = "code_batches"
    __table_args__ = (
        tenant_key("product_id", "products"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("uses_per_code > 0", name="uses_per_code"),
        Index(None, "organisation_id", "product_id", "id"),
    )

    product_id: Mapped[UUID]
    environment: Mapped[Environment]
    label: Mapped[str]
    count: Mapped[int]
    uses_per_code: Mapped[int]
    expires_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    used: Mapped[int | None] = query_expression()
    revoked: Mapped[int | None] = query_expression()


class DownloadCode(Identified, Base):
    """A code. A redemption locks the row, so that ``used`` never exceeds the batch's ``uses_per_code``.

    ``starts_with`` is its first group of characters, by which staff find it.
    """

    __tablename__ = "download_codes"
    __table_args__ = (
        tenant_key("batch_id", "code_batches"),
        UniqueConstraint("organisation_id", "digest"),
        CheckConstraint("used >= 0", name="used"),
        Index(None, "organisation_id", "batch_id", "id"),
    )

    batch_id: Mapped[UUID]
    starts_with: Mapped[str]
    digest: Mapped[str]
    used: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]

    last_used_at: Mapped[datetime | None] = query_expression()
    last_customer_id: Mapped[UUID | None] = query_expression()


class CodeUse(OrganisationScoped, Base):
    """A customer who has redeemed a code, and when."""

    __tablename__ = "code_uses"
    __table_args__ = (
        tenant_key("code_id", "download_codes"),
        tenant_key("customer_id", "customers"),
        Index(None, "organisation_id", "customer_id"),
    )

    code_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    used_at: Mapped[datetime] = mapped_column(default=utcnow)
