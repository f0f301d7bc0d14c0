"""The tables of plays, positions and figures."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, OrganisationScoped, tenant_key


class Play(Identified, Base):
    """A customer has heard a track. A player that reports it twice with one time adds one row.

    Attributes:
        id: begins with `played_at`, so that ids sort by it.
        played_at: when the customer began to hear it, as the player says.
    """

    __tablename__ = "media_mp3_plays"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "customer_id", "track_id", "played_at"),
        Index(None, "organisation_id", "track_id"),
    )

    customer_id: Mapped[UUID]
    track_id: Mapped[UUID]
    played_at: Mapped[datetime]


class Position(OrganisationScoped, Base):
    """Where a customer stopped in a track.

    Attributes:
        position_ms: in milliseconds from the beginning.
    """

    __tablename__ = "media_mp3_positions"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),
        Index(None, "organisation_id", "track_id"),
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    track_id: Mapped[UUID] = mapped_column(primary_key=True)
    position_ms: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


class HistoryDeletion(OrganisationScoped, Base):
    """That a customer has deleted what was heard. Later reports about the time before are left out.

    Attributes:
        deleted_at: when it was done last.
    """

    __tablename__ = "media_mp3_history_deletions"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime]


class TrackDay(OrganisationScoped, Base):
    """The figures of a track and a day, in UTC. They name no customer, so an erasure keeps them.

    Attributes:
        plays: reported by players.
        streams: begun, whether they were heard or not.
        downloads: begun.
    """

    __tablename__ = "media_mp3_track_days"
    __table_args__ = (tenant_key("track_id", "media_mp3_tracks", ondelete="CASCADE"),)

    track_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    plays: Mapped[int] = mapped_column(BigInteger)
    streams: Mapped[int] = mapped_column(BigInteger)
    downloads: Mapped[int] = mapped_column(BigInteger)
