"""The plugin's tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, UniqueConstraint, false, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from autonomy_core.plugin_api.files import UnreferencedFileMark
from autonomy_core.plugin_api.models import Base, Identified, tenant_key, utcnow
from media_mp3.domain import FINDINGS, describe, finding
from media_mp3.loudness.models import TrackLoudness
from media_mp3.renditions.domain import WAITING


class Track(Identified, Base):
    """One recording of a product, with its master: the file that staff uploaded.

    A removed track has no position. It stays for the customers who bought the product before the removal.

    Attributes:
        duration_ms: in milliseconds.
        bitrate: in bits per second.
        format: of the master: ``mp3``, ``wav``, ``aiff``, ``flac`` or ``alac``.
        sample_rate: in hertz; None for tracks of versions that did not record it, as the following.
        bits: of a sample; None for an MP3.
        samples: of each channel; None for an MP3.
        size: of the file, in bytes.
        storage_key: of the file, in the storage of `RECORDINGS` for an MP3, else in that of `AUDIO`.
        peaks: a byte for each point of the waveform.
        warnings: of the inspection, each with its ``code`` and its ``detail``.
        stored_at: when the track got its present file, aware.
        removed_at: when the track was removed, aware; None if it was not.
        isrc: the International Standard Recording Code, without hyphens.
        lyrics: plain text.
        explicit: whether the content is explicit.
        hidden: whether visitors do not see it; buyers get it.
        instant: whether buyers of a pre-order get it at once.
        single_id: the product with which it is sold alone; None if it never was.
    """

    __tablename__ = "media_mp3_tracks"
    __table_args__ = (
        tenant_key("product_id", "products"),
        tenant_key("single_id", "products"),
        UniqueConstraint("organisation_id", "single_id"),
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
    format: Mapped[str] = mapped_column(default="mp3", server_default="mp3")
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    bits: Mapped[int | None]
    samples: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    storage_key: Mapped[str]
    filename: Mapped[str]
    peaks: Mapped[bytes]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    stored_at: Mapped[datetime] = mapped_column(default=utcnow, server_default=func.now())
    removed_at: Mapped[datetime | None]
    isrc: Mapped[str | None]
    lyrics: Mapped[str | None]
    explicit: Mapped[bool] = mapped_column(default=False, server_default=false())
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    instant: Mapped[bool] = mapped_column(default=False, server_default=false())
    single_id: Mapped[UUID | None]

    loudness_row: Mapped[TrackLoudness | None] = relationship(
        primaryjoin=(
            "and_(Track.organisation_id == foreign(TrackLoudness.organisation_id), "
            "Track.id == foreign(TrackLoudness.track_id))"
        ),
        uselist=False,
        viewonly=True,
    )

    @property
    def loudness(self) -> TrackLoudness | None:
        """How loud the present file is; None until it is measured."""
        row = self.loudness_row
        return row if row is not None and row.is_of(self.sha256) else None

    @property
    def loudness_for_staff(self) -> TrackLoudness | dict[str, Any]:
        """The same, and how far the worker is, for an answer of the API."""
        row = self.loudness_row
        if row is not None and row.master == self.sha256:
            return row
        return {**dict.fromkeys(_OF_LOUDNESS), "state": WAITING}

    def belongs_to_purchase_of(self, moment: datetime) -> bool:
        """Whether a customer gets the track who began to buy the product at an (aware) moment."""
        return self.removed_at is None or moment <= self.removed_at

    @property
    def explained_warnings(self) -> list[dict[str, Any]]:
        """The warnings for an answer of the API, each with its meaning and a remedy."""
        known = (one for one in self.warnings if one["code"] in FINDINGS)
        return [describe(finding(one["code"], **one["detail"])) for one in known]


_OF_LOUDNESS = (
    "integrated_lufs", "range_lu", "true_peak_dbtp", "track_gain_db", "album_gain_db", "explained_error",
)  # fmt: skip


class UnreferencedFile(UnreferencedFileMark):
    """A stored file that no track referred to at the last visits of the job ``media_mp3.collect``."""

    __tablename__ = "media_mp3_unreferenced_files"
    area = "recordings"


class UnreferencedAudio(UnreferencedFileMark):
    """The same for the files of `AUDIO`."""

    __tablename__ = "media_mp3_unreferenced_audio"
    area = "audio"
