"""The reasons of failures, stored in a separate transaction because the job's transaction was rolled back."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.db.base import utcnow
from autonomy_core.db.database import Database
from autonomy_core.jobs.models import JobFailure

LONGEST_ERROR = 500


def keep_failure(
    database: Database, organisation_id: str, job_id: int, attempt: int, error: BaseException
) -> None:
    """Store the reason of a job's failure, in place of the previous one.

    Args:
        database: the database.
        organisation_id: the job's organisation.
        job_id: Procrastinate's id of the job.
        attempt: the number of the failed attempt, from 1 on.
        error: the failure.

    Raises:
        SQLAlchemyError: the reason could not be written.
    """
    values = {
        "organisation_id": organisation_id,
        "job_id": job_id,
        "attempt": attempt,
        "error": described(error),
        "failed_at": utcnow(),
    }
    changed = {key: value for key, value in values.items() if key not in {"organisation_id", "job_id"}}
    statement = insert(JobFailure).values(values)
    with database.transaction(organisation_id) as session:
        session.execute(
            statement.on_conflict_do_update(index_elements=["organisation_id", "job_id"], set_=changed)
        )


def forget_failure(database: Database, organisation_id: str, job_id: int) -> None:
    """Delete the reason of a job's failure, because the job has succeeded."""
    with database.transaction(organisation_id) as session:
        session.execute(delete(JobFailure).where(JobFailure.job_id == job_id))


def described(error: BaseException) -> str:
    """Format an exception as one line that PostgreSQL can store."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the __str__ of a plugin's exception may raise anything
        text = type(error).__name__
    shortened = " ".join(text.split())[:LONGEST_ERROR]
    return shortened.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
