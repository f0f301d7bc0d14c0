"""Execute several statements in one round trip, with libpq's pipeline mode.

psycopg's own pipeline works with cursors; its bookkeeping takes as long as the round trips that it saves.
This one sends a list of statements that is known beforehand, and waits once.

Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from types import MappingProxyType, NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus
from psycopg.pq.abc import PGresult

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_PIPELINE = "autonomy.pipeline"


class Statement:
    """A statement on a hot path.

    Args:
        text: SQL with psycopg's placeholders, ``%(name)s``. Add a cast where PostgreSQL cannot infer the
            type.
        prepare: whether connections prepare it. Preparing is useless for statements without a plan.
        constants: values of placeholders that never change, by name.
    """

    def __init__(
        self, text: str, *, prepare: bool = True, constants: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.prepare = prepare
        self._given = text, constants

    def _write(self) -> tuple[str, Mapping[str, Any]]:
        """The text and the constants; called once, when the statement is first used."""
        return self._given

    @cached_property
    def _written(self) -> tuple[str, Mapping[str, Any]]:
        return self._write()

    @cached_property
    def text(self) -> bytes:
        """With psycopg's placeholders."""
        return self._written[0].encode()

    @cached_property
    def numbered(self) -> bytes:
        """With PostgreSQL's own placeholders, ``$1``."""
        numbered = _PLACEHOLDER.sub(lambda found: f"${self._names.index(found[1]) + 1}", self._written[0])
        return numbered.replace("%%", "%").encode()

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self._written[0])))

    def complete(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values together with the constants."""
        constants = self._written[1]
        return {**constants, **values} if constants else values

    def with_values(self, values: Mapping[str, Any]) -> Step:
        """Encode the values, for `Pipeline.send`.

        Args:
            values: by name: str, int, bool, datetime, UUID, None, and lists of these.

        Raises:
            TypeError: a value is missing or has another type.
            psycopg.DataError: a string contains NUL.
        """
        values = self.complete(values)
        try:
            texts = [_AS_TEXT[type(value)](value) for value in map(values.__getitem__, self._names)]
        except KeyError as error:
            raise TypeError(f"there is no value {error}, or none of that type can be sent") from error
        return self, [None if text is None else text.encode() for text in texts]


Step = tuple[Statement, list[bytes | None]]


class Pipeline:
    """Executes several statements in one round trip on a connection, and prepares them at first use.

    Attributes:
        known: the pool's info dictionary of the connection, which lives as long as the connection.
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
        """The pipeline of an open connection; created at first use.

        Args:
            driver: the psycopg connection.
            known: the pool's info dictionary of the connection, which lives as long as the connection.
        """
        pipeline = known.get(_PIPELINE)
        if pipeline is None:
            pipeline = known[_PIPELINE] = cls(driver, known)
        return pipeline

    @property
    def transaction_status(self) -> int:
        """A member of `psycopg.pq.TransactionStatus`, without a round trip."""
        return self._pgconn.transaction_status

    def send(self, steps: Sequence[Step]) -> list[PGresult]:
        """Execute statements in order and return their results.

        Args:
            steps: the statements with their values.

        Raises:
            psycopg.Error: a statement failed. The statements after it are not executed.
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
            # After an interruption, pipeline mode cannot be left: the check above refuses the connection.
            with suppress(psycopg.Error):
                self._pgconn.exit_pipeline_mode()
        for result in results:
            _require(result)
        return results

    def forget_prepared(self) -> None:
        """Prepare all statements again, under new names, because the server has lost some of them."""
        self._prepared.clear()
        self._generation += 1

    def rows(self, result: PGresult) -> list[tuple[Any, ...]]:
        """The rows of a result."""
        if not result.ntuples:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def _prepare(self, steps: Sequence[Step]) -> None:
        for statement, _ in steps:
            if statement.prepare and statement not in self._prepared:
                name = b"autonomy_%d_%d" % (self._generation, len(self._prepared))
                _require(_result_of(self._pgconn.prepare, name, statement.numbered))
                self._prepared[statement] = name

    def _flush(self) -> None:
        """Send all output. The socket may accept only a part at once, so read input meanwhile."""
        while self._pgconn.flush():
            for _, ready in self._both.poll():
                if ready & select.POLLIN:
                    self._pgconn.consume_input()

    def _results(self) -> list[PGresult]:
        """Read the results up to the end of this round trip."""
        results: list[PGresult] = []
        while self._pgconn.status == ConnStatus.OK:
            while self._pgconn.is_busy():
                self._input.poll()
                self._pgconn.consume_input()
            result = self._pgconn.get_result()
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)
            self._pgconn.get_result()  # the terminating None of this statement; it never blocks
        raise psycopg.OperationalError("the connection is lost")


def _require(result: PGresult) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)


def _result_of(call: Callable[..., PGresult], *arguments: Any) -> PGresult:
    """Call libpq. If it has no result, psycopg raises MemoryError, although the connection is lost."""
    try:
        return call(*arguments)
    except MemoryError:
        raise psycopg.OperationalError("the connection is lost") from None


def _text(value: str) -> str:
    if "\0" in value:
        raise psycopg.DataError("a text cannot contain NUL")
    return value


def _array(values: list[Any]) -> str:
    return "{" + ",".join([_IN_ARRAY[type(value)](value) for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + _text(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


_PLAIN: Mapping[type, Callable[[Any], str]] = {bool: str, datetime: str, int: str, UUID: str}

_AS_TEXT: Mapping[type, Callable[[Any], str | None]] = {
    **_PLAIN,
    NoneType: lambda _: None,
    list: _array,
    str: _text,
}
"""Encoders to PostgreSQL's text format, by type. Other types are rejected, because a guess could be wrong."""

_IN_ARRAY: Mapping[type, Callable[[Any], str]] = {**_PLAIN, NoneType: lambda _: "NULL", str: _quoted}
"""Encoders for elements of arrays. Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO"""


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Any]]:
    """Convert rows with equal keys to a list of values for each key."""
    return {name: [row[name] for row in rows] for name in rows[0]}
