"""Direct use of psycopg, without SQLAlchemy: to begin transactions, and for statements on hot paths.

A statement through SQLAlchemy takes three to four times the processor time of one through the driver. The
difference matters for the start of every transaction and for the statements of every webhook.
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, Escaping, ExecStatus, TransactionStatus
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import InvalidatePoolError

from autonomy_core.db.pipeline import Statement

SCOPE_TO_ORGANISATION = (
    "SELECT set_config('autonomy.organisation', {organisation_id}, true),"
    # Only the job queue's own connections may see all jobs, even if earlier code changed this setting.
    " set_config('autonomy.worker', 'off', true)"
)
LIMIT_STATEMENT = ", set_config('statement_timeout', {milliseconds}, true)"

_CURSOR = "autonomy.cursor"


PING_AFTER_S = 30.0
"""Idle time after which a pooled connection is pinged before it is used."""


def driver_of(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection of a SQLAlchemy connection."""
    return driver_of_pooled(connection.connection)


def driver_of_pooled(pooled: PoolProxiedConnection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection of a connection from the pool."""
    driver = pooled.driver_connection
    assert driver is not None  # noqa: S101 - for the type checker: the connection is open
    return driver


def begin_scoped(
    connection: Connection, organisation_id: str | None, statement_timeout_s: float | None
) -> None:
    """Begin the transaction and set its organisation, in one round trip.

    Both settings are local to the transaction, so that a pooled connection carries nothing over.

    Args:
        connection: a connection that is not in a transaction of the driver.
        organisation_id: the organisation whose rows the transaction sees; with None, it sees no tenant's
            rows.
        statement_timeout_s: the limit of each statement, in seconds; None keeps the session's limit.
    """
    driver = driver_of(connection)
    quoted = Escaping(driver.pgconn).escape_literal((organisation_id or "").encode())
    statement = SCOPE_TO_ORGANISATION.format(organisation_id=bytes(quoted).decode())
    if statement_timeout_s is not None:
        statement += LIMIT_STATEMENT.format(milliseconds=f"'{in_milliseconds(statement_timeout_s)}'")
    if not _sent_with_begin(driver, statement):
        # Execute it again through SQLAlchemy, which detects a broken connection and raises the proper error.
        connection.exec_driver_sql(statement)


def in_milliseconds(seconds: float) -> str:
    """A duration in seconds, as a PostgreSQL interval in milliseconds, for example ``1500ms``."""
    return f"{round(seconds * 1000)}ms"


def _sent_with_begin(driver: psycopg.Connection[Any], statement: str) -> bool:
    """Send a statement together with the BEGIN that psycopg would send separately; True if it succeeded."""
    if driver.pgconn.status != ConnStatus.OK:
        return False
    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
        statement = f"BEGIN; {statement}"
    # If libpq cannot send, it returns no result, and psycopg raises MemoryError.
    with suppress(psycopg.Error, MemoryError):
        return driver.pgconn.exec_(statement.encode()).status == ExecStatus.TUPLES_OK
    return False


def execute(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement through the driver and return its rows.

    Args:
        connection: a connection that is in a transaction.
        statement: the statement.
        values: the values of its placeholders, by name.

    Raises:
        psycopg.Error: the driver's error. The caller must roll the transaction back.
    """
    # One cursor per pooled connection: creating a cursor takes as long as executing with it.
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = driver_of(connection).cursor()
    cursor.execute(statement.text, statement.complete(values))
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.ntuples else []


def keep_alive(engine: Engine, ping_after_s: float = PING_AFTER_S) -> None:
    """Check connections when they leave the pool. If one is broken, replace all idle ones.

    The usual ping costs one round trip for each checkout. Usually reading the socket's state is enough: a
    server that closes a connection sends a FIN packet. Only a connection that was idle for some time is
    pinged, because a network device may have dropped it silently.

    Args:
        engine: the engine.
        ping_after_s: see `PING_AFTER_S`.
    """

    def check(connection: Any, record: Any, _: Any) -> None:
        _require_alive(engine, connection, record, ping_after_s)

    event.listen(engine, "checkin", _record_checkin)
    event.listen(engine, "checkout", check)


def _record_checkin(connection: Any, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _require_alive(
    engine: Engine, connection: psycopg.Connection[Any], record: Any, ping_after_s: float
) -> None:
    since = record.info.get("idle_since")
    if since is None or (time.monotonic() - since < ping_after_s and _has_no_input(connection)):
        return
    try:
        engine.dialect.do_ping(connection)  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _has_no_input(connection: psycopg.Connection[Any]) -> bool:
    """Whether the connection is open and the server has sent no unexpected data."""
    if connection.pgconn.status != ConnStatus.OK:
        return False
    # poll, because select() does not support file descriptors above 1023.
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    return not socket.poll(0)
