"""Questions to a database that has many ways of not answering."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from autonomy_core.db import driver
from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.probe import NoAnswer
from tests.hanging import stopped
from tests.refusing import REFUSING

PATIENCE_S = 60


def one(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT 1")) or 0)


def sleep(connection: Connection) -> None:
    connection.execute(text("SELECT pg_sleep(60)"))


def divide(connection: Connection, by: int) -> int:
    return int(connection.scalar(text("SELECT 1 / CAST(:by AS int)"), {"by": by}) or 0)


def probing_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "database-probe"]


def wait_until_free() -> None:
    deadline = time.monotonic() + PATIENCE_S
    while probing_threads():
        assert time.monotonic() < deadline, "a thread hangs"
        time.sleep(0.01)


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """Opens databases, and closes them after the test."""
    databases: list[Database] = []

    def open_(url: str, **options: Any) -> Database:
        databases.append(Database(url, **options))
        return databases[-1]

    yield open_
    for each in databases:
        each.dispose()


@pytest.fixture
def asked(server: EmbeddedServer, database: str, opened: Callable[..., Database]) -> Database:
    return opened(server.url(database))


def test_what_the_function_finds_and_raises_is_the_outcome(asked: Database) -> None:
    assert asked.ask(one) == 1
    assert asked.ask(divide, 1) == 1
    with pytest.raises(Exception, match="division by zero"):
        asked.ask(divide, 0)
    assert asked.ask(divide, 1) == 1


def test_a_server_that_is_not_there_is_told_as_any_other_outage() -> None:
    with pytest.raises(OperationalError, match="refused"):
        Database(f"postgresql+psycopg://nobody@{REFUSING}/nowhere").ask(one)


def test_a_statement_that_takes_too_long_is_given_up_and_frees_its_thread(asked: Database) -> None:
    with pytest.raises(NoAnswer):
        asked.ask(sleep)
    wait_until_free()
    assert asked.ask(one) == 1


@pytest.mark.parametrize("is_connected", [True, False])
def test_however_many_ask_a_server_that_hangs_one_thread_waits_for_it(
    fresh: Callable[..., EmbeddedServer], opened: Callable[..., Database], *, is_connected: bool
) -> None:
    server = fresh()
    server.ensure_running()
    database = opened(server.url("postgres"))
    if is_connected:
        database.ask(one)
    with stopped(server), ThreadPoolExecutor(20) as threads:
        asking = [threads.submit(database.ask, one) for _ in range(20)]
        assert len(probing_threads()) <= 1
        assert {type(each.exception(PATIENCE_S)) for each in asking} <= {NoAnswer, OperationalError}
        wait_until_free()
    assert database.ask(one) == 1


def test_a_connection_that_hangs_when_it_is_looked_at_after_a_rest_frees_its_thread(
    fresh: Callable[..., EmbeddedServer], opened: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "PING_AFTER_S", 0)
    server = fresh()
    server.ensure_running()
    database = opened(server.url("postgres"))
    database.ask(one)
    with stopped(server):
        with pytest.raises(NoAnswer):
            database.ask(one)
        wait_until_free()
    assert database.ask(one) == 1


def test_connections_of_the_pool_that_are_all_in_use_do_not_matter(
    server: EmbeddedServer, database: str, opened: Callable[..., Database]
) -> None:
    busy = opened(server.url(database), pool_size=1)
    held = [busy.engine.connect() for _ in range(2)]
    assert busy.is_exhausted
    assert busy.ask(one) == 1
    for connection in held:
        connection.close()
    assert not busy.is_exhausted
