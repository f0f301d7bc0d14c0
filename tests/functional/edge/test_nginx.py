"""The documented configuration of nginx in a real nginx, without the certificate."""

import os
import re
import shutil
import subprocess

import pytest

from tests.faults.installation import quiet_port, wait_for
from tests.functional.edge.serving import ROOT, Trial, read_answer
from tests.functional.edge.trial import FILE_BYTES

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]
TRACKS = "/acme/api/v1/admin/products/1/tracks"


def documented(port, server_port):
    page = (ROOT / "docs" / "operations.md").read_text()
    found = re.search(r"^## nginx\n+```nginx\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[1]
    found = re.sub(r"^ *ssl_.*\n", "", found, flags=re.MULTILINE)
    return found.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace(":8000", f":{server_port}")


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server; what is asked of it passes nginx."""
    directory = tmp_path_factory.mktemp("nginx")
    server, port = Trial(directory, proxies="127.0.0.1"), quiet_port()
    server_port = server.address[1]
    # The directory is this user's alone, and nginx would let another one work.
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"{kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"{user}daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n{temporary}{documented(port, server_port)} }}\n"
    )
    command = ["nginx", "-p", str(directory), "-e", str(directory / "nginx.log"), "-c", "nginx.conf"]
    nginx = subprocess.Popen(command)
    server.address = ("127.0.0.1", port)
    try:
        wait_for(server._answers, "nginx")
        yield server
    finally:
        nginx.terminate()
        nginx.wait()
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
