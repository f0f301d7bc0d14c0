"""Timeouts of connections to PostgreSQL when the network stops answering."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL

from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.engines import single_engine
from autonomy_core.jobs.worker import make_app

limits = pytest.mark.parametrize(("asked_for", "limit"), [("", "60000"), ("&tcp_user_timeout=5000", "5000")])


@pytest.fixture
def database(server: EmbeddedServer, asked_for: str) -> Iterator[Database]:
    made = Database(server.url("postgres") + asked_for)
    yield made
    made.dispose()


def require_limits(told: dict[str, str], limit: str) -> None:
    assert told["tcp_user_timeout"] == limit
    assert (told["connect_timeout"], told["keepalives_idle"]) == ("10", "30")


@limits
def test_the_application_gives_an_unreachable_host_up_in_a_minute(database: Database, limit: str) -> None:
    with closing(database.engine.raw_connection()) as connection:
        require_limits(connection.driver_connection.info.get_parameters(), limit)


@limits
def test_a_worker_gives_an_unreachable_host_up_in_a_minute(database: Database, limit: str) -> None:
    runtime: Any = SimpleNamespace(database=database, jobs=())

    async def ask() -> dict[str, str]:
        app: Any = make_app(runtime)
        async with app.open_async(), app.connector.pool.connection() as connection:
            return dict(connection.info.get_parameters())

    require_limits(asyncio.run(ask()), limit)


@limits
def test_migrate_and_restore_give_an_unreachable_host_up_in_a_minute(database: Database, limit: str) -> None:
    with closing(single_engine(database.url).raw_connection()) as connection:
        require_limits(connection.driver_connection.info.get_parameters(), limit)  # type: ignore[union-attr]


@pytest.mark.parametrize("password", ["pa ss", "p@:/?#%'\\\\ +", "e\u0301"])
def test_a_password_of_any_characters_reaches_libpq_as_it_is(password: str) -> None:
    url = URL.create("postgresql+psycopg", "role", password, "db.example", 5432, "shop")
    database = Database(url.render_as_string(hide_password=False))
    assert psycopg.conninfo.conninfo_to_dict(database.conninfo)["password"] == password
