"""Why a job that still waits, or was given up, has failed. Procrastinate keeps when it did, and not why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, utcnow


class JobFailure(OrganisationScoped, Base):
    """The last failure of a job; gone when the job has succeeded or was cancelled.

    It does not refer to Procrastinate's table, which is made after the core's.

    Attributes:
        job_id: Procrastinate's.
        attempt: which one failed, from 1 on.
        error: the exception, as one line.
    """

    __tablename__ = "job_failures"

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    error: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default=utcnow)
