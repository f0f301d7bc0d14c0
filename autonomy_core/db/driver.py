"""What goes to psycopg directly, past SQLAlchemy: the beginning of every transaction, and statements of hot paths.

A statement through SQLAlchemy costs three to four times the processor time of one through the driver, which nobody
notices but who begins a transaction, and what happens in every webhook.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, Escaping, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InvalidatePoolError

SCOPE_TO_ORGANISATION = (
    "SELECT set_config('autonomy.organisation', {organisation_id}, true),"
    # Only the queue's own connections see every job, whatever somebody has left behind on this one.
    " set_config('autonomy.worker', 'off', true)"
)
LIMIT_PATIENCE = ", set_config('statement_timeout', '{milliseconds}ms', true)"

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_CURSOR, _DIRECT = "autonomy.cursor", "autonomy.direct"
_SUCCESSFUL = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)

PING_AFTER_S = 30.0
"""How long a connection may have rested before it is asked whether it is still there."""


def driver_of(connection: Connection) -> psycopg.Connection[tuple[Any, ...]]:
    """The psycopg connection that is beneath one of SQLAlchemy's."""
    driver = connection.connection.driver_connection
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
    statement = scoping(driver, organisation_id, patience_s)
    if not _sent_with_begin(driver, statement):
        # Again, in the way in which SQLAlchemy hears of a broken connection, and says what is wrong.
        connection.exec_driver_sql(statement)


def scoping(driver: psycopg.Connection[Any], organisation_id: str | None, patience_s: float | None) -> str:
    """The statement that says whose rows a transaction sees; the arguments are those of `begin_scoped`."""
    quoted = Escaping(driver.pgconn).escape_literal((organisation_id or "").encode())
    statement = SCOPE_TO_ORGANISATION.format(organisation_id=bytes(quoted).decode())
    if patience_s is not None:
        statement += LIMIT_PATIENCE.format(milliseconds=round(patience_s * 1000))
    return statement


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


class Statement:
    """A statement of a hot path.

    Args:
        text: with psycopg's placeholders, ``%(name)s``, each with a cast where PostgreSQL cannot tell its type.
    """

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self._names = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
        numbered = _PLACEHOLDER.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)
        self._numbered = numbered.replace("%%", "%").encode()
        self._name = b"autonomy_" + sha256(self._numbered).hexdigest()[:16].encode()

    def bound(self, connection: Direct, values: Mapping[str, Any]) -> bytes:
        """The SQL that executes it, to be sent alone or with others; each connection prepares it once.

        Raises:
            psycopg.Error: it cannot be prepared.
        """
        if self._name not in connection.prepared:
            _require(connection.pgconn.prepare(self._name, self._numbered))
            connection.prepared.add(self._name)
        quoted = connection.quoted
        return b"EXECUTE %b(%b)" % (self._name, b",".join([quoted(values[name]) for name in self._names]))


class Direct:
    """A connection to which SQL is sent as text, one or several statements in a round trip.

    Attributes:
        prepared: the names of what is prepared on it.
    """

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.pgconn = driver.pgconn
        self.prepared: set[bytes] = set()
        self._escape = Escaping(driver.pgconn).escape_literal
        self._transformer = Transformer(driver)

    @classmethod
    def of(cls, driver: psycopg.Connection[Any], known: dict[str, Any]) -> Direct:
        """The one of an open connection.

        Args:
            known: what the pool keeps of the connection for as long as it is open.
        """
        direct = known.get(_DIRECT)
        if direct is None:
            direct = known[_DIRECT] = cls(driver)
        return direct

    def send(self, text: bytes) -> PGresult:
        """Send statements; gives the result of the last one.

        Raises:
            psycopg.Error: one of them has failed, and those after it are not executed.
        """
        try:
            return _require(self.pgconn.exec_(text))
        except MemoryError:
            # libpq has no result at all when it cannot even send, and psycopg takes that for a lack of memory.
            raise psycopg.OperationalError("the connection is lost") from None

    def first_row(self, result: PGresult) -> tuple[Any, ...] | None:
        """The first row of a result, if it has any."""
        if not result.ntuples:
            return None
        self._transformer.set_pgresult(result)
        row: tuple[Any, ...] = self._transformer.load_row(0, tuple)
        return row

    def quoted(self, value: Any) -> bytes:
        """A value as SQL. Whatever it is, libpq quotes it, as text that PostgreSQL casts to the parameter's type."""
        if isinstance(value, str):
            return bytes(self._escape(value.encode()))
        if value is None:
            return b"NULL"
        if isinstance(value, list):
            return b"ARRAY[" + b",".join([self.quoted(each) for each in value]) + b"]::text[]"
        return bytes(self._escape(str(value).encode()))


def _require(result: PGresult) -> PGresult:
    if result.status not in _SUCCESSFUL:
        raise error_from_result(result)
    return result


def execute(connection: Connection, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Execute one statement; gives its first row, if it has any.

    Raises:
        psycopg.Error: as it comes from the driver. The transaction is lost, and whoever began it ends it.
    """
    # One cursor for each of the pool's connections: to make it takes as long as to execute with it.
    cursor = connection.info.get(_CURSOR)
    if cursor is None:
        cursor = connection.info[_CURSOR] = driver_of(connection).cursor()
    cursor.execute(statement.text, values)
    return cursor.fetchone() if cursor.pgresult and cursor.pgresult.ntuples else None


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
    return not select.select([connection.pgconn.socket], [], [], 0)[0]
