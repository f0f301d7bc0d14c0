"""Defer jobs in the transaction of the caller."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import procrastinate
import psycopg
from procrastinate.jobs import DEFAULT_QUEUE
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from autonomy_core.db.pipeline import Statement
from autonomy_core.jobs.domain import lock_of
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope

# This application only builds statements: a job is deferred on its session's connection.
_deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

_signature_of = cache(inspect.signature)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotDeferrable(TypeError):
    """The job does not exist, or does not accept the arguments. The message names the cause."""


IS_DUE = text("""
    SELECT id FROM procrastinate_jobs
    WHERE task_name = :name AND status = 'todo' AND args = CAST(:arguments AS jsonb)
      AND (scheduled_at IS NULL OR scheduled_at <= now() + make_interval(secs => :within))
    LIMIT 1 FOR KEY SHARE SKIP LOCKED
""")
"""Finds a job that is due, and keeps workers from taking it before the transaction ends."""

PUT_OFF = text("""
    UPDATE procrastinate_jobs SET scheduled_at = now() + make_interval(secs => :in_seconds)
    WHERE task_name = :name AND status = 'todo' AND args = CAST(:arguments AS jsonb)
    RETURNING id
""")


def defer_once(scope: TenantScope, name: str, /, *, within_seconds: int = 0, **arguments: Any) -> None:
    """`defer` a job unless the same one is due already. It begins after the scope's transaction.

    Use it for a job that does all that there is to do, whatever it was deferred for.

    Args:
        scope: the scope of the organisation.
        name: the name of a registered `Job`.
        within_seconds: a job that is due in so many seconds is enough; give it the pause of `defer_again`.
        arguments: JSON-serialisable arguments of the job's function.

    Raises:
        NotDeferrable, OperationalError: as for `defer`.
    """
    _checked(scope, name, arguments)
    values = {"name": name, "arguments": _stored(scope, arguments), "within": within_seconds}
    if scope.session.scalar(IS_DUE, values) is None:
        defer(scope, name, **arguments)


def defer_again(scope: TenantScope, name: str, /, *, in_seconds: int, **arguments: Any) -> None:
    """Continue a job after a pause. It never adds a job where the same one waits: that one is put off.

    Call it at the end of a run that has not done all. Runs of a periodic job follow each other, so other jobs
    have the pause, and each run leaves at most one that continues it.

    Args:
        scope: the scope of the organisation.
        name: the name of a registered `Job`.
        in_seconds: the pause, in seconds.
        arguments: JSON-serialisable arguments of the job's function.

    Raises:
        NotDeferrable, OperationalError: as for `defer`.
    """
    _checked(scope, name, arguments)
    values = {"name": name, "arguments": _stored(scope, arguments), "in_seconds": in_seconds}
    if not scope.session.scalars(PUT_OFF, values).all():
        defer(scope, name, in_seconds=in_seconds, **arguments)


def _stored(scope: TenantScope, arguments: dict[str, Any]) -> str:
    """The arguments of a job as its row has them."""
    return json.dumps({"organisation_id": scope.organisation.id, **arguments})


def defer(scope: TenantScope, name: str, /, *, in_seconds: int = 0, **arguments: Any) -> int:
    """Defer a job of this organisation. It exists if and only if the scope's transaction commits.

    Args:
        scope: the scope of the organisation.
        name: the name of a registered `Job`.
        in_seconds: the delay before the job is due, in seconds.
        arguments: JSON-serialisable arguments of the job's function.

    Returns:
        The job's id.

    Raises:
        NotDeferrable: no job has this name, or its function does not accept the arguments.
        OperationalError: the connection to the database is lost.
    """
    job = _checked(scope, name, arguments)
    connection = scope.session.connection().connection.driver_connection
    options: dict[str, Any] = {"schedule_in": {"seconds": in_seconds}} if in_seconds else {}
    if job.every is not None:
        options["lock"] = lock_of(job.name, scope.organisation.id)
    task = _deferrer.configure_task(name, connection=connection, **options)
    try:
        return task.defer(organisation_id=scope.organisation.id, **arguments)
    except procrastinate.exceptions.ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            # An outage. Callers recognise SQLAlchemy's class for it.
            raise OperationalError(f"defer {name}", None, error.__cause__) from error
        raise


DEFER = Statement("""
SELECT procrastinate_defer_jobs_v1(array_agg(
    ROW(queue, name, 0, NULL, NULL, arguments, now() + make_interval(secs => in_seconds))
    ::procrastinate_job_to_defer_v1
))
FROM unnest(%(queue)s::text[], %(name)s::text[], %(arguments)s::jsonb[], %(in_seconds)s::int[])
    AS job(queue, name, arguments, in_seconds)
""")
"""The SQL of `procrastinate.manager.JobManager.batch_defer_jobs`, for a driver transaction to batch."""


def defer_with_commit(scope: TenantScope, name: str, /, *, in_seconds: int, **arguments: Any) -> None:
    """Defer a job without reading its id: in a driver transaction this needs no round trip of its own.

    Args:
        scope: the scope of the organisation.
        name: the name of a registered `Job` that is not periodic.
        in_seconds: the delay before the job is due, in seconds.
        arguments: JSON-serialisable arguments of the job's function.

    Raises:
        NotDeferrable: as for `defer`.
    """
    _checked(scope, name, arguments)
    job = {
        "queue": DEFAULT_QUEUE,
        "name": name,
        "arguments": _stored(scope, arguments),
        "in_seconds": in_seconds,
    }
    scope.execute_later(DEFER, job)


def defer_own(scope: TenantScope, name: str, /, *, in_seconds: int = 0, **arguments: Any) -> int:
    """`defer` for plugins: a plugin may not defer the jobs of the core.

    Args:
        scope: the scope of the organisation.
        name: the name of a job that a plugin has registered.
        in_seconds: the delay before the job is due, in seconds.
        arguments: JSON-serialisable arguments of the job's function.

    Returns:
        The job's id.

    Raises:
        NotDeferrable: no plugin has a job of this name, or its function does not accept the arguments.
        OperationalError: the connection to the database is lost.
    """
    _refuse_cores(scope, name)
    return defer(scope, name, in_seconds=in_seconds, **arguments)


def defer_own_once(scope: TenantScope, name: str, /, *, within_seconds: int = 0, **arguments: Any) -> None:
    """`defer_once` for plugins, with the restriction of `defer_own`.

    Args:
        scope: the scope of the organisation.
        name: the name of a job that a plugin has registered.
        within_seconds: a job that is due in so many seconds is enough; give it the pause of `defer_again`.
        arguments: JSON-serialisable arguments of the job's function.

    Raises:
        NotDeferrable, OperationalError: as for `defer_own`.
    """
    _refuse_cores(scope, name)
    defer_once(scope, name, within_seconds=within_seconds, **arguments)


def defer_own_again(scope: TenantScope, name: str, /, *, in_seconds: int, **arguments: Any) -> None:
    """`defer_again` for plugins, with the restriction of `defer_own`.

    Args:
        scope: the scope of the organisation.
        name: the name of a job that a plugin has registered.
        in_seconds: the pause, in seconds.
        arguments: JSON-serialisable arguments of the job's function.

    Raises:
        NotDeferrable, OperationalError: as for `defer_own`.
    """
    _refuse_cores(scope, name)
    defer_again(scope, name, in_seconds=in_seconds, **arguments)


def _refuse_cores(scope: TenantScope, name: str) -> None:
    owner = name.partition(".")[0]
    if owner not in runtime_of(scope).plugins.names and any(
        job.name == name for job in runtime_of(scope).jobs
    ):
        raise NotDeferrable(f"job {name}: it is the core's own; a plugin defers jobs of its own")


def _checked(scope: TenantScope, name: str, arguments: dict[str, Any]) -> Job:
    job = next((job for job in runtime_of(scope).jobs if job.name == name), None)
    if job is None:
        known = ", ".join(sorted(job.name for job in runtime_of(scope).jobs))
        raise NotDeferrable(f"job {name}: there is none of this name; there are {known}")
    if "organisation_id" in arguments:
        raise NotDeferrable(f"job {name}: organisation_id is no argument, the scope determines it")
    try:
        _signature_of(job.function).bind(scope, **arguments)
    except TypeError as error:
        raise NotDeferrable(f"job {name}: {error}") from None
    for argument, value in arguments.items():
        problem = problem_as_json(value)
        if problem is not None:
            raise NotDeferrable(f"job {name}: its argument {argument} {problem}")
    return job


def problem_as_json(value: Any) -> str | None:
    """Return why PostgreSQL cannot store a value as JSON; None if it can."""
    try:
        written = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        return f"cannot be written as JSON: {error}"
    if any(_UNSTORABLE.search(text) for text in _texts(written)):
        return "contains a character that cannot be stored (NUL, or half a surrogate)"
    return None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)
