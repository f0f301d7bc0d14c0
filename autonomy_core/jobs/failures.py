"""Why jobs have failed, kept in a transaction of its own: the job's was rolled back."""

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
    """Keep why a job has failed, in place of why it failed before.

    Args:
        attempt: which one failed, from 1 on.

    Raises:
        SQLAlchemyError: it could not be written.
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
    """Forget why a job has failed: it has succeeded."""
    with database.transaction(organisation_id) as session:
        session.execute(delete(JobFailure).where(JobFailure.job_id == job_id))


def described(error: BaseException) -> str:
    """An exception in one line that can be stored, whatever its author has put into it."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a stranger's __str__ may raise anything
        text = type(error).__name__
    shortened = " ".join(text.split())[:LONGEST_ERROR]
    return shortened.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
