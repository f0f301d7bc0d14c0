"""A shop with recordings, customers and sales on an embedded server, and empty places to restore it to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.backup.place import SHOP, Place, sell_and_upload
from tests.support.shared import copy, give_data, made_once, take_data


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = made_once(tmp_path_factory, "original-of-backups", make_original)
    place = Place(tmp_path_factory.mktemp("original") / "place")
    copy(made / "place", place.directory)
    give_data(made / "pgdata", place.server)
    place.server.ensure_running()
    try:
        yield place
    finally:
        place.server.remove()


def make_original(directory: Path) -> None:
    place = Place(directory / "place").make()
    for name in ("harbour", "nightjar"):
        (place.tenants / f"{name}.ini").write_text(SHOP.format(name=name))
    footer = place.tenants / "harbour" / "mail" / "mail.footer.en.md"
    footer.parent.mkdir(parents=True)
    footer.write_text("Harbour Ltd.\n")
    place.server.ensure_running()
    try:
        place.succeed("migrate")
        sell_and_upload(place)
        take_data(place.server, directory / "pgdata")
    finally:
        place.server.remove()


@pytest.fixture
def backup(original: Place, tmp_path: Path) -> Path:
    """A backup of the original."""
    directory = tmp_path / "backup"
    original.succeed("backup", directory, "--secret-to", tmp_path / "kept-apart")
    return directory


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Place]:
    """An empty place on a cluster of its own, with the secret that was kept apart."""
    place = Place(tmp_path / "elsewhere").make()
    place.data.mkdir()
    secret = tmp_path / "kept-apart"
    if secret.exists():
        shutil.copy(secret, place.data / "secret")
    yield place
    place.server.remove()
