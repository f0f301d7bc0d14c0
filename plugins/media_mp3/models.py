"""The plugin's table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow


class Track(Identified, Base):
    """One recording of a product.

    ``duration_ms`` is in milliseconds, ``bitrate`` in bits a second, ``size`` in bytes; ``peaks`` holds a byte for each
    point of the waveform.
    """

    __tablename__ = "media_mp3_tracks"
    __table_args__ = (
        tenant_key("product_id", "products"),
        UniqueConstraint("organisation_id", "product_id", "sha256"),
        Index(None, "organisation_id", "product_id", "position"),
    )

    product_id: Mapped[UUID]
    position: Mapped[int]
    title: Mapped[str]
    artist: Mapped[str | None]
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    bitrate: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]
    filename: Mapped[str]
    peaks: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
