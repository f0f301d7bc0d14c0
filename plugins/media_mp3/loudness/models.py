"""The table of what was measured."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.media import ReplayGain
from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow
from media_mp3.loudness.domain import AlbumLoudness, decibels, gain_db
from media_mp3.renditions.domain import ERRORS, FAILED, MOST_ATTEMPTS, PASSING, READY, WAITING


class TrackLoudness(OrganisationScoped, Base):
    """How loud a track is. The values are None until it is measured.

    Attributes:
        master: the SHA-256 of the master that is or was to be measured.
        attempts: how often the worker has begun.
        error: the code of the last failure, a key of `renditions.domain.ERRORS`.
        measured_at: when it was measured, aware; None if it was not.
        integrated_lufs, range_lu, true_peak, levels: see `domain.Measured`.
        album: identifies the recordings that are the release, see `domain.album_key`; None if the track is
            not in it any more, or not all of them are measured.
        album_lufs, album_peak: see `domain.AlbumLoudness`.
    """

    __tablename__ = "media_mp3_loudness"
    __table_args__ = (tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),)

    track_id: Mapped[UUID] = mapped_column(primary_key=True)
    master: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    measured_at: Mapped[datetime | None]
    integrated_lufs: Mapped[float | None]
    range_lu: Mapped[float | None]
    true_peak: Mapped[float | None]
    levels: Mapped[bytes | None] = mapped_column(deferred=True)
    album: Mapped[str | None]
    album_lufs: Mapped[float | None]
    album_peak: Mapped[float | None]

    @property
    def is_due(self) -> bool:
        """Whether the worker measures it, or tries again."""
        return self.measured_at is None and self.attempts < MOST_ATTEMPTS

    @property
    def is_untried(self) -> bool:
        """Whether the worker has not begun yet, or not since staff asked for another attempt."""
        return self.measured_at is None and self.attempts == 0 and self.error is None

    def is_of(self, sha256: str) -> bool:
        """Whether the values are those of a master."""
        return self.measured_at is not None and self.master == sha256

    def restart(self, master: str) -> None:
        """Forget what was measured, for another master or another attempt."""
        self.master, self.attempts, self.error = master, 0, None
        self.measured_at = self.integrated_lufs = self.range_lu = self.true_peak = self.levels = None
        self.album = self.album_lufs = self.album_peak = None

    def be_in(self, album: str | None, found: AlbumLoudness) -> None:
        """Be a part of a release, or of none any more."""
        self.album, self.album_lufs = album, found.integrated_lufs
        self.album_peak = None if album is None else found.true_peak

    @property
    def track_gain_db(self) -> float | None:
        """What makes the track as loud as others, in dB."""
        return gain_db(self.integrated_lufs)

    @property
    def album_gain_db(self) -> float | None:
        """What makes the release as loud as others, in dB."""
        return gain_db(self.album_lufs)

    @property
    def replay_gain(self) -> ReplayGain | None:
        """What tags and players get; None for silence, and until the track is measured."""
        if self.track_gain_db is None:
            return None
        return ReplayGain(self.track_gain_db, self.true_peak or 0.0, self.album_gain_db, self.album_peak)

    @property
    def true_peak_dbtp(self) -> float | None:
        """The true peak in dBTP."""
        return None if self.true_peak is None else decibels(self.true_peak)

    @property
    def state(self) -> str:
        """How far the worker is: ``waiting``, ``ready`` or ``failed``."""
        if self.measured_at is not None:
            return READY
        return FAILED if self.attempts >= MOST_ATTEMPTS or self.error in PASSING else WAITING

    @property
    def explained_error(self) -> dict[str, Any] | None:
        """The reason of the last failure, with a remedy, for an answer of the API."""
        interrupted = self.measured_at is None and self.attempts >= MOST_ATTEMPTS
        code = self.error or ("encoding_interrupted" if interrupted else None)
        known = ERRORS.get(code or "")
        if known is None:
            return None
        return {"code": code, "message": known.meaning, "remedy": known.remedy}
