"""Deferring jobs, within the transaction that wants them."""

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
from sqlalchemy.exc import OperationalError

from autonomy_core.db.pipeline import Statement
from autonomy_core.jobs.domain import lock_of
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.scope import TenantScope

# Only builds statements: every job is deferred on its session's own connection.
_deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

_signature_of = cache(inspect.signature)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotDeferrable(TypeError):
    """There is no such job, or it does not take these arguments. The message says which."""


def defer(scope: TenantScope, name: str, /, *, in_seconds: int = 0, **arguments: Any) -> int:
    """Have the worker do something for this organisation, if the scope's transaction is committed.

    Args:
        name: of a registered `Job`.
        in_seconds: not before so many seconds from now.
        arguments: JSON-serialisable; passed to the job's function.

    Returns:
        The job's id.

    Raises:
        NotDeferrable: no job has this name, or its function does not take the arguments.
        OperationalError: the database has gone away.
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
            # An outage, and known as one by the name that SQLAlchemy has for it.
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
"""What `procrastinate.manager.JobManager.batch_defer_jobs` calls, in the form that a driver transaction can delay."""


def defer_with_commit(scope: TenantScope, name: str, /, *, in_seconds: int, **arguments: Any) -> None:
    """`defer` for a hot path that needs no id: it costs no round trip in a driver transaction.

    Args:
        name: of a registered `Job` that is not periodic.
        in_seconds: not before so many seconds from now.
        arguments: JSON-serialisable; passed to the job's function.

    Raises:
        NotDeferrable: as `defer`.
    """
    _checked(scope, name, arguments)
    told = json.dumps({"organisation_id": scope.organisation.id, **arguments})
    job = {"queue": DEFAULT_QUEUE, "name": name, "arguments": told, "in_seconds": in_seconds}
    scope.execute_later(DEFER, job)


def defer_own(scope: TenantScope, name: str, /, *, in_seconds: int = 0, **arguments: Any) -> int:
    """`defer` for plugins: the jobs of the core's features are the core's to defer.

    Args:
        name: of a job that a plugin has registered.
        in_seconds: not before so many seconds from now.
        arguments: JSON-serialisable; passed to the job's function.

    Returns:
        The job's id.

    Raises:
        NotDeferrable: no plugin has a job of this name, or its function does not take the arguments.
        OperationalError: the database has gone away.
    """
    owner = name.partition(".")[0]
    if owner not in scope.runtime.plugins.names and any(job.name == name for job in scope.runtime.jobs):
        raise NotDeferrable(f"job {name}: it is the core's own; a plugin defers jobs of its own")
    return defer(scope, name, in_seconds=in_seconds, **arguments)


def _checked(scope: TenantScope, name: str, arguments: dict[str, Any]) -> Job:
    job = next((job for job in scope.runtime.jobs if job.name == name), None)
    if job is None:
        known = ", ".join(sorted(job.name for job in scope.runtime.jobs))
        raise NotDeferrable(f"job {name}: there is none of this name; there are {known}")
    if "organisation_id" in arguments:
        raise NotDeferrable(f"job {name}: whose job it is, the scope says, and no argument")
    try:
        _signature_of(job.function).bind(scope, **arguments)
    except TypeError as error:
        raise NotDeferrable(f"job {name}: {error}") from None
    for argument, value in arguments.items():
        problem = _unstorable(value)
        if problem is not None:
            raise NotDeferrable(f"job {name}: its argument {argument} {problem}")
    return job


def _unstorable(value: Any) -> str | None:
    """Why PostgreSQL could not store an argument as JSON."""
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
