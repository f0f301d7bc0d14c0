"""A server that listens at ``::`` accepts IPv4 too, with IPv4-mapped addresses."""

import pytest

from tests.functional.edge.serving import Trial

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def dual(tmp_path_factory):
    running = Trial(tmp_path_factory.mktemp("dual"), host="::", proxies="127.0.0.1")
    yield running
    running.stop()


def test_a_trusted_proxy_over_ipv4_is_recognised(dual):
    assert dual.ask("GET /client", "X-Forwarded-For: 203.0.113.9") == (200, b"203.0.113.9")
    assert dual.ask("GET /client", "X-Forwarded-For: ::ffff:203.0.113.9") == (200, b"203.0.113.9")


def test_a_client_over_ipv4_has_its_ipv4_address(dual):
    assert dual.ask("GET /client") == (200, b"127.0.0.1")
