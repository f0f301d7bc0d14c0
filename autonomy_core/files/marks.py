"""The rows by which `delete_unreferenced` marks files that no row refers to."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped


class UnreferencedFileMark(OrganisationScoped, Base):
    """A stored file that no row referred to at the last visits of `delete_unreferenced`.

    A plugin makes a table of it for each of its areas: ``class UnreferencedFile(UnreferencedFileMark)`` with
    a ``__tablename__`` and an ``area``.

    Attributes:
        area: the `FileArea.name` of the files. Two areas with one table would remove each other's marks.
        storage_key: of the file.
        since: when it was first seen without a reference, aware.
        seen_at: when it was last seen without a reference, aware.
    """

    __abstract__ = True

    area: ClassVar[str]

    storage_key: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
