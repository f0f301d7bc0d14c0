"""The table of checksums."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, OrganisationScoped


class Checksum(OrganisationScoped, Base):
    """The checksum of a stored file. A key means the same bytes for ever, so a row never becomes wrong.

    Attributes:
        storage_key: of the file, in the storage of any area.
        crc32: of the whole content, as ZIP files have it.
    """

    __tablename__ = "media_mp3_checksums"
    __table_args__ = (CheckConstraint("crc32 BETWEEN 0 AND 4294967295", name="crc32"),)

    storage_key: Mapped[str] = mapped_column(primary_key=True)
    crc32: Mapped[int] = mapped_column(BigInteger)
