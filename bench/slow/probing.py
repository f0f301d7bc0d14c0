"""A client that requests the catalogue, and a client that downloads a file."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.load import HOST
from bench.server import Server, ServerError, free_port, running

NGINX = """\
daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 100; }}
http {{
    access_log off; sendfile on;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def latencies(port: int, path: str, headers: dict[str, str], seconds: float) -> list[float]:
    """Return the latencies of requests in milliseconds, over one connection, at most fifty per second.

    Raises:
        ServerError: a response was not 200.
    """
    found = []
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise ServerError(f"{path} was answered {answer.status}.")
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(0.02)
    connection.close()
    return found


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[int(len(values) * share)]


def download(port: int, path: str, headers: dict[str, str], size: int) -> float:
    """Return the rate of one download in megabytes per second.

    Raises:
        ServerError: it was shorter than the file.
    """
    sent = {"Host": HOST, "Connection": "close", **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    request = "\r\n".join([*lines, "", ""])
    buffer, received = bytearray(1 << 20), 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        began = time.perf_counter()
        connection.sendall(request.encode())
        while taken := connection.recv_into(buffer):
            received += taken
        seconds = time.perf_counter() - began
    if received < size:
        raise ServerError(f"{path}: {received} of {size} bytes arrived.")
    return size / seconds / 1e6


@contextmanager
def nginx(root: Path, home: Path) -> Iterator[Server | None]:
    """Run nginx with the files of a directory; yield None if it is not installed."""
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    home.mkdir()
    port, config = free_port(), home / "nginx.conf"
    config.write_text(NGINX.format(home=home, port=port, root=root), "utf-8")
    with running([program, "-c", str(config)], port=port, environment={}, log=home / "log") as server:
        yield server
