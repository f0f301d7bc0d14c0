"""The table of alarms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, utcnow


class Alarm(OrganisationScoped, Base):
    """Something that no job can put right. Connections that say ``autonomy.operations=on`` see every organisation's.

    Attributes:
        name: what kind of thing it is: ``<plugin or feature>.<what>``.
        subject: what it is about, by an id that a command takes.
        message: what is wrong, without secrets.
    """

    __tablename__ = "alarms"

    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    message: Mapped[str]
    raised_at: Mapped[datetime] = mapped_column(default=utcnow)
