"""The tables of uploads and their parts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, false
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow
from autonomy_core.files.marks import UnreferencedFileMark


class PendingUpload(Identified, Base):
    """An upload that arrives in parts, or has arrived and is not used yet.

    Attributes:
        length: of the whole file, in bytes.
        received: how much of it has arrived, in bytes.
        metadata_header: what the client sent as ``Upload-Metadata``.
        filename: the client's name of the file, for people only.
        concatenation: what the client sent as ``Upload-Concat``.
        begun_by: the actor, as in the audit log; None if an older version of the server began it.
        expires_at: when it is removed unless a part arrives before, aware.
        direct: whether the client sends it directly to the store, as one object; then it has no parts here.
        direct_id: the id of the multipart upload at the store; None if that has not begun.
    """

    __tablename__ = "pending_uploads"

    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    metadata_header: Mapped[str | None]
    filename: Mapped[str]
    concatenation: Mapped[str | None]
    begun_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    direct: Mapped[bool] = mapped_column(default=False, server_default=false())
    direct_id: Mapped[str | None]

    @property
    def is_complete(self) -> bool:
        """Whether the whole file has arrived."""
        return self.received == self.length


class UploadPart(OrganisationScoped, Base):
    """A part of an upload, which is a file in the store.

    Attributes:
        begins_at: the place of its first byte in the upload.
        size: in bytes.
        storage_key: of the file. Parts with the same bytes are one file.
    """

    __tablename__ = "upload_parts"
    __table_args__ = (tenant_key("upload_id", "pending_uploads", ondelete="CASCADE"),)

    upload_id: Mapped[UUID] = mapped_column(primary_key=True)
    begins_at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    storage_key: Mapped[str]


class UnreferencedUploadPart(UnreferencedFileMark):
    """A stored file that no part referred to at the last visits of the job ``uploads.collect``."""

    __tablename__ = "upload_unreferenced_files"
    area = "parts"
