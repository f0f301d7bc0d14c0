"""The tables of app passwords, and of what buyers keep with their players."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, SmallInteger, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, Identified, OrganisationScoped, tenant_key, utcnow


class AppPassword(Identified, Base):
    """A password of one device. It opens the buyer's library to players, and nothing else.

    Attributes:
        name: how the customer calls the device.
        username: the random user name that the device logs in with. It contains nothing about the customer.
        sealed_secret: the password, encrypted: see `sealing`.
        sealed_with: which of the server's secrets encrypted it.
        last_used_at: about an hour precise.
    """

    __tablename__ = "media_mp3_app_passwords"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("organisation_id", "username"),
        Index(None, "organisation_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    name: Mapped[str]
    username: Mapped[str]
    sealed_secret: Mapped[bytes]
    sealed_with: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]


class Mark(OrganisationScoped, Base):
    """A star or a rating of a customer.

    Attributes:
        item: the id in the protocol of an album, an artist or a song.
        starred_at: None without a star.
        rating: from 1 to 5; None without one.
    """

    __tablename__ = "media_mp3_marks"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    starred_at: Mapped[datetime | None]
    rating: Mapped[int | None] = mapped_column(SmallInteger)


class Playlist(Identified, Base):
    """A playlist of a customer.

    Attributes:
        track_ids: in their order. Tracks that the customer no longer owns stay, and are not shown.
    """

    __tablename__ = "media_mp3_playlists"
    __table_args__ = (
        tenant_key("customer_id", "customers", ondelete="CASCADE"),
        Index(None, "organisation_id", "customer_id"),
    )

    customer_id: Mapped[UUID]
    name: Mapped[str]
    comment: Mapped[str | None]
    track_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


class PlayQueue(OrganisationScoped, Base):
    """What a customer's player was about to play, for another of the customer's players.

    Attributes:
        current: the track that was played; None for none.
        position_ms: in that track, in milliseconds.
        changed_by: the player's name for itself.
    """

    __tablename__ = "media_mp3_play_queues"
    __table_args__ = (tenant_key("customer_id", "customers", ondelete="CASCADE"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    track_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    current: Mapped[UUID | None]
    position_ms: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_by: Mapped[str]
