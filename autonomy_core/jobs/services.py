"""Deferring jobs, within the transaction that wants them."""

from __future__ import annotations

from typing import Any

import procrastinate
import psycopg
from sqlalchemy.exc import OperationalError

from autonomy_core.plugin_api.scope import TenantScope

# Only builds statements: every job is deferred on its session's own connection.
_deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def defer(scope: TenantScope, name: str, *, in_seconds: int = 0, **arguments: Any) -> int:
    """Have the worker do something for this organisation, if the scope's transaction is committed.

    Args:
        name: of a registered `Job`.
        in_seconds: not before so many seconds from now.
        arguments: JSON-serialisable; passed to the job's function.

    Returns:
        The job's id.

    Raises:
        OperationalError: the database has gone away.
    """
    connection = scope.session.connection().connection.driver_connection
    options: dict[str, Any] = {"schedule_in": {"seconds": in_seconds}} if in_seconds else {}
    task = _deferrer.configure_task(name, connection=connection, **options)
    try:
        return task.defer(organisation_id=scope.organisation.id, **arguments)
    except procrastinate.exceptions.ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            # An outage, and known as one by the name that SQLAlchemy has for it.
            raise OperationalError(f"defer {name}", None, error.__cause__) from error
        raise
