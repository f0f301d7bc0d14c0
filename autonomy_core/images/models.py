"""The tables of images, of their sizes, and of what has which image."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, exists
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, utcnow
from autonomy_core.files.marks import UnreferencedFileMark


def _image_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organisation_id", "digest"], ["images.organisation_id", "images.digest"])


class StoredImage(OrganisationScoped, Base):
    """An image in all its sizes. Two uploads that give the same bytes are one image.

    Attributes:
        digest: see `domain.ProcessedImage.digest`.
        width: of the full size, in pixels.
        height: likewise.
        colour: the most frequent colour, ``#rrggbb``.
        size: of all its files together, in bytes.
        warnings: the findings that did not refuse it, each with its ``code`` and its ``detail``.
        unused_since: since when nothing has it, as the job ``images.collect`` saw; None if something has it.
    """

    __tablename__ = "images"

    digest: Mapped[str] = mapped_column(primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    colour: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    stored_at: Mapped[datetime] = mapped_column(default=utcnow)
    unused_since: Mapped[datetime | None]


class ImageRendition(OrganisationScoped, Base):
    """One size of an image in one format, and its stored file."""

    __tablename__ = "image_renditions"
    __table_args__ = (_image_key(),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    storage_key: Mapped[str]


class ImageUse(OrganisationScoped, Base):
    """What has an image. The subject may be a row of a plugin, so there is no foreign key to it.

    Attributes:
        subject: the kind of thing: ``product``, or ``<plugin>.<kind>``.
        subject_id: its id.
        alt: the text for people who do not see the image; None for the title of the thing.
        set_at: when the thing got this image, aware.
    """

    __tablename__ = "image_uses"
    __table_args__ = (
        _image_key(),
        Index("ix_image_uses_organisation_id_digest", "organisation_id", "digest"),
    )

    subject: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[str]
    alt: Mapped[str | None]
    set_at: Mapped[datetime] = mapped_column(default=utcnow)


class UnreferencedImageFile(UnreferencedFileMark):
    """A stored file that no image referred to at the last visits of the job ``images.collect``."""

    __tablename__ = "image_unreferenced_files"
    area = "images"


IS_USED: Final = exists().where(
    ImageUse.organisation_id == StoredImage.organisation_id, ImageUse.digest == StoredImage.digest
)
"""The condition that a thing has the image."""
