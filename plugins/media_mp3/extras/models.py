"""The table of extras."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.files import UnreferencedFileMark
from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class Extra(Identified, Base):
    """A file that comes with a product. Its id gives the order in which visitors see it.

    A removed extra stays for the customers who bought the product before the removal.

    Attributes:
        title: for people.
        format: a key of `domain.FORMATS`.
        size: of the file, in bytes.
        storage_key: of the file, in the storage of `EXTRAS`.
        filename: of the upload.
        removed_at: when it was removed, aware; None if it was not.
    """

    __tablename__ = "media_mp3_extras"
    __table_args__ = (
        tenant_key("product_id", "products"),
        Index(
            None,
            "organisation_id",
            "product_id",
            "sha256",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    product_id: Mapped[UUID]
    title: Mapped[str]
    format: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]
    filename: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    removed_at: Mapped[datetime | None]

    def belongs_to_purchase_of(self, moment: datetime) -> bool:
        """Whether a customer gets it who began to buy the product at an (aware) moment."""
        return self.removed_at is None or moment <= self.removed_at


class UnreferencedExtra(UnreferencedFileMark):
    """A stored file that no extra referred to at the last visits of the job ``media_mp3.collect``."""

    __tablename__ = "media_mp3_unreferenced_extras"
    area = "extras"
