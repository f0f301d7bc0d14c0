"""A server with the edge and a small application, of the tests' own, with short deadlines."""

import pytest

from tests.functional.edge.serving import Trial


@pytest.fixture(scope="session")
def trial(tmp_path_factory):
    running = Trial(tmp_path_factory.mktemp("edge"), head_s=2.0, listener_s=2.0, body_s=3.0, per_address=50)
    yield running
    running.stop()
