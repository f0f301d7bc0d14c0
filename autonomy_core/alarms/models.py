"""The table of alarms."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, utcnow


class Alarm(OrganisationScoped, Base):
    """A fault that no job can repair.

    A connection with ``autonomy.operations=on`` sees the alarms of all organisations.

    Attributes:
        name: the kind of fault: ``<plugin or feature>.<what>``.
        subject: the id of the affected object, as the commands accept it.
        message: the fault in one sentence, without secrets.
    """

    __tablename__ = "alarms"

    name: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    message: Mapped[str]
    raised_at: Mapped[datetime] = mapped_column(default=utcnow)
