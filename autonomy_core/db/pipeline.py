"""Several statements in one round trip, by libpq's pipeline mode.

psycopg has a pipeline of its own, for cursors, whose bookkeeping takes as long as the round trips that it spares. This one sends
what is known beforehand, and waits once.

Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import re
import select
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
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
    """A statement of a hot path.

    Args:
        text: with psycopg's placeholders, ``%(name)s``, each with a cast where PostgreSQL cannot tell its type.
        prepare: whether a connection keeps it prepared; not worth while where there is nothing to plan.
        constants: values that are the same each time.
    """

    def __init__(
        self, text: str, *, prepare: bool = True, constants: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.text = text.encode()
        self._constants = constants
        self._names = tuple(dict.fromkeys(_PLACEHOLDER.findall(text)))
        numbered = _PLACEHOLDER.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)
        self.numbered = numbered.replace("%%", "%").encode()
        self.prepare = prepare

    def complete(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Values with the constants."""
        return {**self._constants, **values} if self._constants else values

    def with_values(self, values: Mapping[str, Any]) -> Step:
        """What is to be sent to have it executed.

        Args:
            values: texts, whole numbers, truth values, times, UUIDs, None, and lists of these.

        Raises:
            TypeError: one is something else.
            psycopg.DataError: a text contains NUL.
        """
        values = self.complete(values)
        try:
            texts = [_AS_TEXT[type(value)](value) for value in map(values.__getitem__, self._names)]
        except KeyError as error:
            raise TypeError(f"there is no value {error}, or none of that type can be sent") from error
        return self, [None if text is None else text.encode() for text in texts]


Step = tuple[Statement, list[bytes | None]]


class Pipeline:
    """A connection that takes several statements in one round trip, and prepares them when they are first sent.

    Attributes:
        known: what the pool keeps of the connection for as long as it is open.
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

    def send(self, steps: Sequence[Step]) -> list[PGresult]:
        """Execute statements in order; gives the result of each.

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
        return results

    def forget_prepared(self) -> None:
        """Prepare everything again, under other names: the connection does not know all of it any more."""
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
            if result is None:
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)
            self._pgconn.get_result()  # the end of this statement's results, for which there is nothing to wait
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
"""Writes values of a type as PostgreSQL reads them. Of no others: what they would look like would be a guess."""

_IN_ARRAY: Mapping[type, Callable[[Any], str]] = {**_PLAIN, NoneType: lambda _: "NULL", str: _quoted}
"""The same, within a list. Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO"""
