"""The health probe of a database that refuses, hangs or is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.probe import NoAnswer
from tests.support.refused_port import REFUSING
from tests.support.shared import give_data
from tests.support.stopped_postgresql import stopped

TIMEOUT_S = 60


def one(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT 1")) or 0)


def sleep(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(60)"))


def divide(connection: Connection, by: int) -> int:
    return int(connection.scalar(text("SELECT 1 / CAST(:by AS int)"), {"by": by}) or 0)


def probing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "database-probe"]


def wait_until_free() -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while probing_threads():
        assert time.monotonic() < deadline, "a thread hangs"
        time.sleep(0.01)


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """Open databases that are closed after the test."""
    databases: list[Database] = []

    def open_(url: str, **options: Any) -> Database:
        databases.append(Database(url, **options))
        return databases[-1]

    yield open_
    for each in databases:
        each.dispose()


@pytest.fixture(scope="module")
def stoppable(tmp_path_factory: pytest.TempPathFactory, new_data: Path) -> Iterator[EmbeddedServer]:
    """A server that no other test uses, so that it may be stopped for a while."""
    server = EmbeddedServer(tmp_path_factory.mktemp("stoppable"), fast=True)
    give_data(new_data, server)
    server.ensure_running()
    yield server
    server.remove()


@pytest.fixture
def asked(server: EmbeddedServer, database: str, opened: Callable[..., Database]) -> Database:
    return opened(server.url(database))


def test_the_result_or_the_error_of_the_function_is_returned(asked: Database) -> None:
    assert asked.ask(one) == 1
    assert asked.ask(divide, 1) == 1
    with pytest.raises(Exception, match="division by zero"):
        asked.ask(divide, 0)
    assert asked.ask(divide, 1) == 1


def test_a_refused_connection_is_an_outage_like_any_other() -> None:
    with pytest.raises(OperationalError, match="refused"):
        Database(f"postgresql+psycopg://nobody@{REFUSING}/nowhere").ask(one)


def test_a_slow_statement_is_given_up_and_frees_its_thread(asked: Database) -> None:
    with pytest.raises(NoAnswer):
        asked.ask(sleep)
    wait_until_free()
    assert asked.ask(one) == 1


@pytest.mark.processes
@pytest.mark.parametrize("is_connected", [True, False])
def test_one_thread_waits_for_a_hanging_server_for_all_callers(
    stoppable: EmbeddedServer, opened: Callable[..., Database], *, is_connected: bool
) -> None:
    database = opened(stoppable.url("postgres"))
    if is_connected:
        database.ask(one)
    with stopped(stoppable), ThreadPoolExecutor(20) as threads:
        asking = [threads.submit(database.ask, one) for _ in range(20)]
        assert len(probing_threads()) <= 1
        assert {type(each.exception(TIMEOUT_S)) for each in asking} <= {NoAnswer, OperationalError}
        wait_until_free()
    assert database.ask(one) == 1


@pytest.mark.processes
def test_a_connection_that_hangs_in_its_ping_frees_its_thread(
    stoppable: EmbeddedServer, opened: Callable[..., Database]
) -> None:
    database = opened(stoppable.url("postgres"), ping_after_s=0.0)
    database.ask(one)
    with stopped(stoppable):
        with pytest.raises(NoAnswer):
            database.ask(one)
        wait_until_free()
    assert database.ask(one) == 1


def test_a_closed_connection_is_replaced_after_a_failed_ping(
    server: EmbeddedServer, database: str, opened: Callable[..., Database]
) -> None:
    rested = opened(server.url(database), ping_after_s=0.0)
    pid = text("SELECT pg_backend_pid()")
    with rested.engine.connect() as connection:
        closed = connection.scalar(pid)
    with opened(server.url(database)).engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": closed})
    with rested.engine.connect() as connection:
        assert connection.scalar(pid) != closed


def test_the_probe_needs_no_connection_of_the_pool(
    server: EmbeddedServer, database: str, opened: Callable[..., Database]
) -> None:
    busy = opened(server.url(database), pool_size=1)
    held = [busy.engine.connect() for _ in range(2)]
    assert busy.is_exhausted
    assert busy.ask(one) == 1
    for connection in held:
        connection.close()
    assert not busy.is_exhausted
