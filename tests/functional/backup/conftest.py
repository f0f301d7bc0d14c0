"""A shop with recordings, customers and sales on an embedded server, and empty places to restore it to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autonomy_core.db.embedded import EmbeddedServer
from tests.functional.backup.originals import an_original
from tests.functional.backup.place import Place


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The shop, which every test leaves as it was."""
    with an_original(tmp_path_factory) as place:
        yield place


@pytest.fixture
def backup(original: Place, tmp_path: Path) -> Path:
    """A backup of the original."""
    directory = tmp_path / "backup"
    original.succeed("backup", directory, "--secret-to", tmp_path / "kept-apart")
    return directory


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server without databases, for the places that tests restore to."""
    server = EmbeddedServer(tmp_path_factory.mktemp("cluster") / "postgresql", fast=True)
    yield server
    server.remove()


@pytest.fixture
def elsewhere(cluster: EmbeddedServer, tmp_path: Path) -> Iterator[Place]:
    """An empty place on another cluster, with the secret that was kept apart."""
    place = Place(tmp_path / "elsewhere").make().on(cluster)
    secret = tmp_path / "kept-apart"
    if secret.exists():
        shutil.copy(secret, place.data / "secret")
    yield place
    place.clear()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Place]:
    """A place with an ini file and a directory for organisations, where nothing was ever started."""
    place = Place(tmp_path / "empty").make()
    yield place
    place.server.remove()
