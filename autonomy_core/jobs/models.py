"""Why a job has failed that will be retried or was given up. Procrastinate stores only the time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, utcnow


class JobFailure(OrganisationScoped, Base):
    """The last failure of a job. The row is deleted when the job succeeds or is cancelled.

    It has no foreign key to Procrastinate's table, which is created after the core's tables.

    Attributes:
        job_id: Procrastinate's id of the job.
        attempt: the number of the failed attempt, from 1 on.
        error: the exception in one line.
    """

    __tablename__ = "job_failures"

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    error: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default=utcnow)
