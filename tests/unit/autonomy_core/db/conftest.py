"""New databases on the tests' server, and servers of a test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from autonomy_core.db.embedded import EmbeddedServer
from tests.support.shared import give_data, made_once, take_data


@pytest.fixture
def server(postgresql: EmbeddedServer) -> EmbeddedServer:
    return postgresql


@pytest.fixture
def database(server: EmbeddedServer) -> str:
    """The name of a new, empty database."""
    name = f"database_{uuid4().hex}"
    server.create_database(name)
    return name


@pytest.fixture
def connect(server: EmbeddedServer, database: str) -> Iterator[Callable[..., Engine]]:
    """An engine on the database: as the owner, or as the role named."""
    engines: list[Engine] = []

    def engine(user: str = "postgres", **options: Any) -> Engine:
        engines.append(create_engine(server.url(database, user), **{"poolclass": NullPool, **options}))
        return engines[-1]

    yield engine
    for each in engines:
        each.dispose()


@pytest.fixture
def owner(connect: Callable[..., Engine]) -> Engine:
    return connect()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[..., EmbeddedServer]]:
    """Make servers that are removed after the test; each has its own data unless a directory is given."""
    servers: list[EmbeddedServer] = []

    def make(data_dir: Path = tmp_path / "data", **options: object) -> EmbeddedServer:
        servers.append(EmbeddedServer(data_dir, **{"fast": True, **options}))
        return servers[-1]

    yield make
    for server in servers:
        server.remove()


@pytest.fixture(scope="session")
def new_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a server that was never started, to copy: they are copied faster than made."""

    def make(directory: Path) -> None:
        server = EmbeddedServer(directory / "server", fast=True)
        server._home.create()
        server._initialise()
        take_data(server, directory / "pgdata")

    return made_once(tmp_path_factory, "new-data", make) / "pgdata"


@pytest.fixture
def ready(fresh: Callable[..., EmbeddedServer], new_data: Path) -> Callable[..., EmbeddedServer]:
    """Make servers like `fresh`, for tests that are not about a first start."""

    def make(*arguments: Path, **options: object) -> EmbeddedServer:
        server = fresh(*arguments, **options)
        if not server.has_data:
            give_data(new_data, server)
        return server

    return make
