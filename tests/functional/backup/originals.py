"""Servers with recordings, customers and sales, which are copies of one that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.functional.backup.place import SHOP, Place, sell_and_upload
from tests.support.shared import copy, give_data, made_once, take_data


@contextmanager
def an_original(factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running server with a shop, as every other one that this yields."""
    made = made_once(factory, "original-of-backups", make_original)
    place = Place(factory.mktemp("original") / "place")
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
