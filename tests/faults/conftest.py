from dataclasses import replace

import pytest
from rich.console import Console

from demo.__main__ import set_up_shops
from demo.places import find_places, free_port
from tests.faults.demonstration import Demonstration
from tests.support.forked_demonstration import ForkedProcesses
from tests.support.shared import copy, give_data, made_once, take_data


@pytest.fixture
def places(tmp_path):
    """An empty directory for demonstrations."""
    found = find_places(free_port(), tmp_path / "demo")
    yield found
    found.database.stop()
    found.database.remove()


@pytest.fixture
def stocked(places, tmp_path_factory):
    """The directory is one in which a demonstration was interrupted after it had stocked its shops."""
    prepared = made_once(tmp_path_factory, "stocked-demonstration", stock_shops)
    copy(prepared / "demo", places.directory)
    give_data(prepared / "pgdata", places.database)


def stock_shops(directory):
    places = find_places(free_port(), directory / "demo")
    places.write_ini()
    processes = ForkedProcesses(places)
    try:
        places.database.ensure_running()
        processes.autonomy("migrate")
        processes.start(lambda _: None)
        set_up_shops(places, processes, Console(quiet=True))
        processes.stop()
        take_data(places.database, directory / "pgdata")
    finally:
        processes.stop()
        places.database.remove()


@pytest.fixture
def demonstration(places):
    """Starts demonstrations; a failing test leaves none running."""
    started = []

    def start(*, port=places.port, forked=True):
        started.append(Demonstration(replace(places, port=port), forked=forked))
        return started[-1]

    yield start
    for one in started:
        one.close()
