import signal

import pytest

from demo.places import find_places, free_port
from tests.faults.demonstration import WITHIN_S, Demonstration


@pytest.fixture
def places(tmp_path):
    found = find_places(free_port(), tmp_path / "demo")
    yield found
    found.database.stop()
    found.database.remove()


@pytest.fixture
def demonstration(places):
    """Starts demonstrations; a failing test leaves none running."""
    started = []

    def start():
        started.append(Demonstration(places))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGINT)
            one.process.wait(WITHIN_S)
        one.process.stdout.close()
