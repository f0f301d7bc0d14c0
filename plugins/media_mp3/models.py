"""The plugin's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, OrganisationScoped, tenant_key, utcnow
from media_mp3.domain import FINDINGS, describe, finding


class Track(Identified, Base):
    """One recording of a product.

    ``duration_ms`` is in milliseconds, ``bitrate`` in bits a second, ``size`` in bytes; ``peaks`` holds a byte for each
    point of the waveform. ``warnings`` are those of the inspection, each with its ``code`` and its ``detail``.
    ``stored_at`` is when the file was last replaced. A track that was removed has no position, and stays for those who have
    bought the product before.
    """

    __tablename__ = "media_mp3_tracks"
    __table_args__ = (
        tenant_key("product_id", "products"),
        UniqueConstraint("organisation_id", "product_id", "sha256"),
        # Deferred, since a track is put between others by moving these on.
        UniqueConstraint("organisation_id", "product_id", "position", deferrable=True, initially="DEFERRED"),
    )

    product_id: Mapped[UUID]
    position: Mapped[int | None]
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
    stored_at: Mapped[datetime] = mapped_column(default=utcnow, server_default=func.now())
    removed_at: Mapped[datetime | None]

    def belongs_to_purchase_of(self, moment: datetime) -> bool:
        """Whether a customer who began to buy the product at a moment, aware, gets the track."""
        return self.removed_at is None or moment <= self.removed_at

    @property
    def explained_warnings(self) -> list[dict[str, Any]]:
        """The warnings as they are told, each with what it means and what to do about it."""
        known = (one for one in self.warnings if one["code"] in FINDINGS)
        return [describe(finding(one["code"], **one["detail"])) for one in known]


class UnreferencedFile(OrganisationScoped, Base):
    """A stored file to which no track refers, as `collecting` saw it at its last visits.

    ``since`` is when it was first seen so, ``seen_at`` when it was last seen so.
    """

    __tablename__ = "media_mp3_unreferenced_files"

    storage_key: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
