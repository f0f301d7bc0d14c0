"""What goes to psycopg directly, past SQLAlchemy: the beginning of every transaction, and statements of hot paths.

A statement through SQLAlchemy costs three to four times the processor time of one through the driver, which nobody
notices but who begins a transaction, and what happens in every webhook.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, Escaping, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import InvalidatePoolError

SCOPE_TO_ORGANISATION = (
    "SELECT set_config('autonomy.organisation', {organisation_id}, true),"
    # Only the queue's own connections see every job, whatever somebody has left behind on this one.
    " set_config('autonomy.worker', 'off', true)"
)
LIMIT_PATIENCE = ", set_config('statement_timeout', {milliseconds}, true)"

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_CURSOR, _PIPELINE = "autonomy.cursor", "autonomy.pipeline"
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


class Statement:
    """A statement of a hot path.

    Args:
        text: with psycopg's placeholders, ``%(name)s``, each with a cast where PostgreSQL cannot tell its type.
        prepare: whether a connection keeps it prepared; not worth while where there is nothing to plan.
    """

    def __init__(self, text: str, *, prepare: bool = True) -> None:
        self.text = text.encode()
        self._names = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
        numbered = _PLACEHOLDER.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)
        self.numbered = numbered.replace("%%", "%").encode()
        self.prepare = prepare

    def with_values(self, values: Mapping[str, Any]) -> Step:
        """What is to be sent to have it executed.

        Args:
            values: texts, whole numbers, times, UUIDs, lists of texts, None.

        Raises:
            TypeError: one is something else.
            psycopg.DataError: a text contains NUL.
        """
        try:
            return self, [_AS_TEXT[type(value)](value) for value in map(values.__getitem__, self._names)]
        except KeyError as error:
            raise TypeError(f"there is no value {error}, or none of that type can be sent") from error


Step = tuple[Statement, list[bytes | None]]


class Pipeline:
    """A connection that takes several statements in one round trip, and prepares them when they are first sent.

    Attributes:
        known: what the pool keeps of the connection for as long as it is open.

    Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
    """

    def __init__(self, driver: psycopg.Connection[Any], known: dict[str, Any]) -> None:
        self.known = known
        self._pgconn = driver.pgconn
        self._prepared: dict[Statement, bytes] = {}
        self._generation = 0
        self._transformer = Transformer(driver)
        self._input, self._both = select.poll(), select.poll()
        self._input.register(driver.pgconn.socket, select.POLLIN)
        self._both.register(driver.pgconn.socket, select.POLLIN | select.POLLOUT)

    @classmethod
    def of(cls, driver: psycopg.Connection[Any], known: dict[str, Any]) -> Pipeline:
        """The one of an open connection.

        Args:
            known: what the pool keeps of the connection for as long as it is open.
        """
        pipeline = known.get(_PIPELINE)
        if pipeline is None:
            pipeline = known[_PIPELINE] = cls(driver, known)
        return pipeline

    @property
    def transaction_status(self) -> int:
        """Of `psycopg.pq.TransactionStatus`; it asks nobody."""
        return self._pgconn.transaction_status

    def send(self, steps: Sequence[Step]) -> PGresult:
        """Execute statements in order; gives the result of the last one.

        Raises:
            psycopg.Error: one of them has failed, and those after it are not executed.
        """
        if self._pgconn.pipeline_status != PipelineStatus.OFF:
            raise psycopg.OperationalError("the connection was left in the middle of a round trip")
        self._prepare(steps)
        self._pgconn.enter_pipeline_mode()
        try:
            for statement, values in steps:
                if statement in self._prepared:
                    self._pgconn.send_query_prepared(self._prepared[statement], values)
                else:
                    self._pgconn.send_query_params(statement.numbered, values)
            self._pgconn.pipeline_sync()
            self._flush()
            results = self._results()
        finally:
            # After an interruption it cannot be left, and the connection is good for nothing any more; see above.
            with suppress(psycopg.Error):
                self._pgconn.exit_pipeline_mode()
        for result in results:
            _require(result)
        return results[-1]

    def forget_prepared(self) -> None:
        """Prepare everything again, under other names: the connection does not know all of it any more."""
        self._prepared.clear()
        self._generation += 1

    def first_row(self, result: PGresult) -> tuple[Any, ...] | None:
        """The first row of a result, if it has any."""
        if not result.ntuples:
            return None
        self._transformer.set_pgresult(result)
        row: tuple[Any, ...] = self._transformer.load_row(0, tuple)
        return row

    def _prepare(self, steps: Sequence[Step]) -> None:
        for statement, _ in steps:
            if statement.prepare and statement not in self._prepared:
                name = b"autonomy_%d_%d" % (self._generation, len(self._prepared))
                _require(_result_of(self._pgconn.prepare, name, statement.numbered))
                self._prepared[statement] = name

    def _flush(self) -> None:
        """Have everything sent, of which the socket takes only so much at once; the server may answer meanwhile."""
        while self._pgconn.flush():
            for _, ready in self._both.poll():
                if ready & select.POLLIN:
                    self._pgconn.consume_input()

    def _results(self) -> list[PGresult]:
        """What comes back, up to the end of this round trip."""
        results: list[PGresult] = []
        while self._pgconn.status == ConnStatus.OK:
            while self._pgconn.is_busy():
                self._input.poll()
                self._pgconn.consume_input()
            result = self._pgconn.get_result()
            if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
                return results
            if result is not None:
                results.append(result)
        raise psycopg.OperationalError("the connection is lost")


def _require(result: PGresult) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)


def _result_of(call: Callable[..., PGresult], *arguments: Any) -> PGresult:
    """What libpq gives, or an error where it has no result, which psycopg takes for a lack of memory."""
    try:
        return call(*arguments)
    except MemoryError:
        raise psycopg.OperationalError("the connection is lost") from None


def _text(value: str) -> bytes:
    text = value.encode()
    if b"\0" in text:
        raise psycopg.DataError("a text cannot contain NUL")
    return text


def _plain(value: Any) -> bytes:
    return str(value).encode()


def _array(values: list[str]) -> bytes:
    quoted = (_text(each).replace(b"\\", b"\\\\").replace(b'"', b'\\"') for each in values)
    return b"{" + b",".join(b'"' + each + b'"' for each in quoted) + b"}"


_AS_TEXT: Mapping[type, Callable[[Any], bytes | None]] = {
    NoneType: lambda _: None,
    datetime: _plain,
    int: _plain,
    list: _array,
    str: _text,
    UUID: _plain,
}
"""Writes values of a type as PostgreSQL reads them. Of no others: what they would look like would be a guess."""


def execute(
    connection: Connection, statement: Statement, values: Mapping[str, Any]
) -> tuple[Any, ...] | None:
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
    # Not `select`, which does not know files with large numbers.
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    return not socket.poll(0)
