"""The table of what staff chose."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow


class PreviewChoice(OrganisationScoped, Base):
    """What visitors hear of a track, if staff chose it. Without a row the organisation's ini file says it.

    Attributes:
        mode: ``none``, ``full`` or ``excerpt``.
        start_ms: of an excerpt, in milliseconds; None for its loudest part.
        length_ms: of an excerpt, in milliseconds; None for that of the ini file.
    """

    __tablename__ = "media_mp3_preview_choices"
    __table_args__ = (
        tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),
        CheckConstraint("mode IN ('none', 'full', 'excerpt')", name="mode"),
    )

    track_id: Mapped[UUID] = mapped_column(primary_key=True)
    mode: Mapped[str]
    start_ms: Mapped[int | None]
    length_ms: Mapped[int | None]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
