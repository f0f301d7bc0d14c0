"""The table of renditions."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.files import UnreferencedFileMark
from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow
from media_mp3.renditions.domain import ERRORS, WAITING


class Rendition(OrganisationScoped, Base):
    """The file of one format of a track. The previous file stays until the new one is there.

    Attributes:
        format: the name of the format.
        state: ``waiting``, ``running``, ``ready`` or ``failed``; of the wanted file.
        wanted: the fingerprint of what the file has to be made of.
        made: the fingerprint of what the present file was made of; None without one, as the following.
        storage_key: of the present file, in the storage of `RENDITIONS`.
        size: in bytes.
        attempts: how often the worker has begun to make the wanted file.
        error: the code of the last failure, a key of `domain.ERRORS`.
        changed_at: when the state changed last, aware.
        stored_at: since when the present file is there, aware.
    """

    __tablename__ = "media_mp3_renditions"
    __table_args__ = (
        tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),
        CheckConstraint("num_nulls(made, storage_key, size, sha256, stored_at) IN (0, 5)", name="whole_file"),
    )

    track_id: Mapped[UUID] = mapped_column(primary_key=True)
    format: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default=WAITING)
    wanted: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    made: Mapped[str | None]
    storage_key: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    stored_at: Mapped[datetime | None]

    def become(self, state: str, error: str | None = None) -> None:
        """Enter a state, with the reason of a failure."""
        self.state, self.error, self.changed_at = state, error, utcnow()

    @property
    def explained_error(self) -> dict[str, Any] | None:
        """The reason of the last failure, with a remedy, for an answer of the API."""
        known = ERRORS.get(self.error or "")
        if known is None:
            return None
        return {"code": self.error, "message": known.meaning, "remedy": known.remedy}


class UnreferencedRendition(UnreferencedFileMark):
    """A stored rendition that no row referred to at the last visits of the job ``media_mp3.collect``."""

    __tablename__ = "media_mp3_unreferenced_renditions"
    area = "renditions"
