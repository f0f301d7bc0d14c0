"""The plugin's table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow
from media_mp3.domain import FINDINGS, describe, finding


class Track(Identified, Base):
    """One recording of a product.

    ``duration_ms`` is in milliseconds, ``bitrate`` in bits a second, ``size`` in bytes; ``peaks`` holds a byte for each
    point of the waveform. ``warnings`` are those of the inspection, each with its ``code`` and its ``detail``.
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
    album: Mapped[str | None]
    genre: Mapped[str | None]
    year: Mapped[int | None]
    track_number: Mapped[int | None]
    disc_number: Mapped[int | None]
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    bitrate: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]
    filename: Mapped[str]
    peaks: Mapped[bytes]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    @property
    def explained_warnings(self) -> list[dict[str, Any]]:
        """The warnings as they are told, each with what it means and what to do about it."""
        known = (one for one in self.warnings if one["code"] in FINDINGS)
        return [describe(finding(one["code"], **one["detail"])) for one in known]
