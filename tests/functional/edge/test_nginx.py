"""The documented configuration of nginx in a real nginx, without the certificate."""

import pytest

from tests.faults.installation import quiet_port, wait_for
from tests.functional.edge.serving import Trial, read_answer
from tests.functional.edge.trial import FILE_BYTES
from tests.support.nginx import documented, needs_nginx, nginx

pytestmark = [pytest.mark.processes, needs_nginx]
TRACKS = "/acme/api/v1/admin/products/1/tracks"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server; what is asked of it passes nginx."""
    directory = tmp_path_factory.mktemp("nginx")
    server, port = Trial(directory, proxies="127.0.0.1"), quiet_port()
    try:
        with nginx(directory, port, documented(port, server.address[1])):
            server.address = ("127.0.0.1", port)
            wait_for(server._answers, "nginx")
            yield server
    finally:
        server.stop()


def test_an_unauthenticated_upload_is_refused_before_it_is_sent(proxied):
    with proxied.connect(f"POST {TRACKS}", "Content-Length: 400000000", body=b"x") as connection:
        assert read_answer(connection) == (401, b"no")


def test_an_upload_that_is_too_large_is_refused_by_nginx(proxied):
    with proxied.connect(f"POST {TRACKS}", "Content-Length: 999000000", body=b"x") as connection:
        assert read_answer(connection)[0] == 413


def test_other_bodies_reach_the_server_whole(proxied):
    with proxied.connect("POST /echo", "Content-Length: 100000", body=b"x") as connection:
        before = proxied.open()
        connection.sendall(b"x" * 98_999)
        assert proxied.open() == before
        connection.sendall(b"x" * 1000)
        assert read_answer(connection) == (200, b"x" * 100_000)


def test_recordings_are_streamed(proxied):
    status, body = proxied.ask("GET /file")
    assert (status, len(body)) == (200, FILE_BYTES)


def test_the_host_of_the_target_overrides_the_host_header(proxied):
    assert proxied.ask("GET /host") == (200, b"localhost")
    assert proxied.ask("GET http://other.example/host") == (200, b"other.example")


def test_the_clients_address_is_that_which_nginx_sets(proxied):
    assert proxied.ask("GET /client", "X-Forwarded-For: 203.0.113.9") == (200, b"127.0.0.1")
