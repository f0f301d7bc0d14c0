"""What goes to psycopg directly, past SQLAlchemy: the beginning of every transaction, and statements of hot paths.

A statement through SQLAlchemy costs three to four times the processor time of one through the driver, which nobody
notices but who begins a transaction, and what happens in every webhook.
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
    # Only the queue's own connections see every job, whatever somebody has left behind on this one.
    " set_config('autonomy.worker', 'off', true)"
)
LIMIT_PATIENCE = ", set_config('statement_timeout', {milliseconds}, true)"

_CURSOR = "autonomy.cursor"
LENT = "autonomy.lent"
"""In what the pool keeps of a connection: whether somebody has it who must not end its transaction."""


PING_AFTER_S = 30.0
"""How long a connection may have rested before it is asked whether it is still there."""


def driver_of(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection that is beneath one of SQLAlchemy's."""
    return driver_of_pooled(connection.connection)


def driver_of_pooled(pooled: PoolProxiedConnection) -> psycopg.Connection[tuple[Any, ...]]:
    """The same, of one that comes from the pool."""
    driver = pooled.driver_connection
    assert driver is not None  # noqa: S101 - for the type checker: the connection is open
    return driver


def begin_scoped(connection: Connection, organisation_id: str | None, patience_s: float | None) -> None:
    """Begin the transaction and say whose rows it sees, in one round trip.

    Both are local to the transaction, so that a pooled connection carries nothing over to its next user.

    Args:
        organisation_id: with None it sees no tenant's rows.
        patience_s: how long a statement of it may take; None leaves it to the server.
    """
    driver = driver_of(connection)
    quoted = Escaping(driver.pgconn).escape_literal((organisation_id or "").encode())
    statement = SCOPE_TO_ORGANISATION.format(organisation_id=bytes(quoted).decode())
    if patience_s is not None:
        statement += LIMIT_PATIENCE.format(milliseconds=f"'{in_milliseconds(patience_s)}'")
    if not _sent_with_begin(driver, statement):
        # Again, in the way in which SQLAlchemy hears of a broken connection, and says what is wrong.
        connection.exec_driver_sql(statement)


def in_milliseconds(seconds: float) -> str:
    """A duration as PostgreSQL reads it."""
    return f"{round(seconds * 1000)}ms"


def _sent_with_begin(driver: psycopg.Connection[Any], statement: str) -> bool:
    """Send a statement with the BEGIN that psycopg would otherwise send on its own; gives whether it succeeded."""
    if driver.pgconn.status != ConnStatus.OK:
        return False
    if driver.pgconn.transaction_status == TransactionStatus.IDLE:
        statement = f"BEGIN; {statement}"
    # libpq has no result at all when it cannot even send, and psycopg takes that for a lack of memory.
    with suppress(psycopg.Error, MemoryError):
        return driver.pgconn.exec_(statement.encode()).status == ExecStatus.TUPLES_OK
    return False


def execute(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute one statement; gives its rows.

    Raises:
        psycopg.Error: as it comes from the driver. The transaction is lost, and whoever began it ends it.
    """
    # One cursor for each of the pool's connections: to make it takes as long as to execute with it.
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = driver_of(connection).cursor()
    cursor.execute(statement.text, statement.complete(values))
    return cursor.fetchall() if cursor.pgresult and cursor.pgresult.ntuples else []


def keep_alive(engine: Engine) -> None:
    """Have connections looked at when they leave the pool; one that has been closed is replaced, with all others.

    The usual ping costs a round trip each time. A server that has closed a connection has said so on its socket,
    and a network that has forgotten one does that only while nobody uses it.
    """
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", lambda connection, record, _: _require_alive(engine, connection, record))


def _note_rest(connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _require_alive(engine: Engine, connection: psycopg.Connection[Any], record: Any) -> None:
    since = record.info.get("rests_since")
    if since is None or (time.monotonic() - since < PING_AFTER_S and _is_silent(connection)):
        return
    try:
        engine.dialect.do_ping(connection)  # type: ignore[arg-type]
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _is_silent(connection: psycopg.Connection[Any]) -> bool:
    """Whether the connection is open, and nothing has come from the server that nobody has asked for."""
    if connection.pgconn.status != ConnStatus.OK:
        return False
    # Not `select`, which does not know files with large numbers.
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    return not socket.poll(0)
