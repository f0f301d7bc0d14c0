"""The plugin's tables."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.files import UnreferencedFileMark
from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow


class Booklet(OrganisationScoped, Base):
    """The booklet of a product, which has one at most."""

    __tablename__ = "pdf_booklet_booklets"
    __table_args__ = (tenant_key("product_id", "products"),)

    product_id: Mapped[UUID] = mapped_column(primary_key=True)
    storage_key: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    filename: Mapped[str]
    pages: Mapped[int]
    stored_at: Mapped[datetime] = mapped_column(default=utcnow)


class UnreferencedFile(UnreferencedFileMark):
    """A stored file that no booklet referred to at the last visits of the job ``pdf_booklet.collect``."""

    __tablename__ = "pdf_booklet_unreferenced_files"
    area = "booklets"
