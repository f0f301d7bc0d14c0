"""Slow clients do not keep others from being served. Real processes, raw sockets."""

import json
import select
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from copy import copy
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
import requests

from tests.faults.buyer import Buyer, Client
from tests.faults.installation import SHOPS, TIMEOUT_S, installed, quiet_port, wait_for
from tests.faults.plan import Customer
from tests.faults.reaper import kill_group
from tests.functional.media_mp3.shop import LONG, MUSIC
from tests.support.forks import AUTONOMY, Fork, command

pytestmark = pytest.mark.processes

HARBOUR = SHOPS[0]
MORE_THAN_THREADS = 70
LISTENERS = 66
FORM = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n'


class Shop:
    """The first shop of an installation, a product with a long recording, and a customer who owns it."""

    def __init__(self, installation, product, staff_key):
        self.installation, self.product = installation, product
        self.staff = {"Authorization": f"Bearer {staff_key}"}
        self.api = installation.api(HARBOUR)
        self.uploads = f"{self.api}/admin/products/{product}/tracks"
        address = urlsplit(installation.server)
        self.address = (address.hostname, address.port)

    def path(self, url):
        return url.removeprefix(self.installation.server)

    def connect(self, head, body=b"", buffer=None):
        """A connection that has sent this head and this part of a body."""
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(TIMEOUT_S)
        connection.connect(self.address)
        connection.sendall("\r\n".join([*head, "Host: localhost", "", ""]).encode() + body)
        return connection

    def send_a_part(self, url, part, length=1000, **headers):
        """Announce a body, and send a part of it."""
        sent = {"Content-Type": "application/json", "Content-Length": str(length), **headers}
        head = [f"POST {self.path(url)} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        return self.connect(head, part)

    def begin_an_upload(self, length, **headers):
        kind = {"Content-Type": "multipart/form-data; boundary=XX", **self.staff, **headers}
        return self.send_a_part(self.uploads, FORM, length=length, **kind)

    def sells(self):
        """Whether probes, the catalogue and a purchase by a new customer are answered."""
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert requests.get(self.installation.server + path, timeout=TIMEOUT_S).status_code == 200
        assert requests.get(f"{self.api}/products", timeout=TIMEOUT_S).status_code == 200
        self.buy()
        return True

    def buy(self):
        self.customers = getattr(self, "customers", 0) + 1
        customer = Customer(HARBOUR, f"slow-{self.customers}-{time.monotonic_ns()}", ("paid",))
        buyer = Buyer(self.installation, customer, "", [self.product], lambda: None)
        buyer.buy_everything()
        return buyer

    def link(self):
        """A signed link to the recording."""
        buyer = self.buy()
        with Client() as client:
            listed = f"{self.api}/customers/products/{self.product}/tracks"
            wait_for(
                lambda: client._http.get(listed, headers=buyer._headers, timeout=30).status_code == 200,
                "the grant",
            )
            items = client.ask("GET", listed, {200}, headers=buyer._headers).json()["items"]
        return items[-1]["stream_url"]

    def requests_logged(self, **values):
        """The lines of requests that have all these values."""
        lines = map(
            json.loads,
            filter(None, (self.installation.directory / "server.log").read_text().splitlines()[1:]),
        )
        return [line for line in lines if line["event"] == "request" and values.items() <= line.items()]


def answer_of(connection):
    """Status, headers and body, once the server has closed the connection."""
    with HTTPResponse(connection) as answer:
        answer.begin()
        body = answer.read()
    assert connection.recv(1) == b"", "the connection is not closed"
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@contextmanager
def many(count, begin):
    with ExitStack() as stack:
        yield [stack.enter_context(begin()) for _ in range(count)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("slow") / "run", fast=True) as installation:
        with (installation.directory / "server.ini").open("a") as ini:
            ini.write("autonomy.slow_per_address = 300\n")
        _, (product, *_) = installation.set_up()[HARBOUR]
        yield stocked(installation, product)


def stocked(installation, product):
    issue = [*command(), f"--config={installation.directory / 'server.ini'}", "keys", "issue", HARBOUR]
    scopes = ["--name", "slow", "--scope", "catalog.write", "--scope", "catalog.read", "--json"]
    key = json.loads(subprocess.run([*issue, *scopes], capture_output=True, check=True, text=True).stdout)[
        "key"
    ]
    made = Shop(installation, product, key)
    answer = requests.post(
        made.uploads, files={"file": ("long.mp3", LONG)}, headers=made.staff, timeout=TIMEOUT_S
    )
    assert answer.status_code == 201, answer.text
    return made


def test_many_connections_with_a_partial_body_block_no_purchase(shop):
    login = f"{shop.api}/customers/login"
    with many(MORE_THAN_THREADS, lambda: shop.send_a_part(login, b"{")):
        assert shop.sells()


def test_many_listeners_that_read_nothing_block_no_purchase(shop):
    link = shop.link()

    def listen():
        return shop.connect([f"GET {shop.path(link)} HTTP/1.1", "Connection: close"], buffer=4096)

    with many(LISTENERS, listen) as listeners:
        for listener in listeners:
            assert listener.recv(12) == b"HTTP/1.1 200"
        assert shop.sells()
        rest = LISTENERS - 1
        received = sum(map(len, iter(lambda: listeners[rest].recv(1 << 20), b"")))
        assert received > len(LONG)


def test_slow_uploads_block_no_purchase_and_complete(shop):
    body = MUSIC + b"\r\n--XX--\r\n"
    with many(MORE_THAN_THREADS, lambda: shop.begin_an_upload(len(FORM) + len(body))) as uploads:
        assert shop.sells()
        uploads[0].sendall(body)
        assert uploads[0].recv(12) == b"HTTP/1.1 201"


@pytest.mark.parametrize(
    ("status", "code", "path", "headers"),
    [
        (401, "not_authenticated", "/admin/products", {}),
        (404, "not_found", "/nothing", {}),
        (405, "method_not_allowed", "/products", {}),
        (413, "too_large", "/customers/login", {"Content-Length": "100000000"}),
        (415, "unsupported_media_type", "/customers/login", {"Content-Type": "text/plain"}),
    ],
)
def test_an_unauthorised_request_is_refused_before_its_body(shop, status, code, path, headers):
    with shop.send_a_part(f"{shop.api}{path}", b"{", **headers) as connection:
        told, sent, body = answer_of(connection)
    assert (told, json.loads(body)["code"], sent["connection"]) == (status, code, "close")


def test_expect_continue_is_answered_before_the_body(shop):
    expecting = {"Expect": "100-continue"}
    with shop.send_a_part(f"{shop.api}/admin/products", b"", **expecting) as connection:
        assert answer_of(connection)[0] == 401
    with shop.send_a_part(f"{shop.api}/customers/login", b"", length=2, **expecting) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"{}")
        assert connection.recv(100).startswith(b"HTTP/1.1 422")


def test_a_chunked_body_is_accepted_and_measured(shop):
    login = f"{shop.path(shop.api)}/customers/login"
    head = [f"POST {login} HTTP/1.1", "Content-Type: application/json", "Transfer-Encoding: chunked"]
    with shop.connect(head, b"2\r\n{}\r\n0\r\n\r\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 422")
    with shop.connect(head, b"20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_that_breaks_off_is_one_line_of_log_and_no_traceback(shop):
    before = len(shop.requests_logged(status=400))
    for _ in range(20):
        with shop.send_a_part(f"{shop.api}/customers/login", b"{"):
            pass
    wait_for(lambda: len(shop.requests_logged(status=400)) == before + 20, "a line for each")
    log = (shop.installation.directory / "server.log").read_text()
    assert "Traceback" not in log
    assert all(
        line["level"] == "info" and line["client"] == "127.0.0.1" for line in shop.requests_logged(status=400)
    )


def test_invalid_targets_and_heads_are_refused(shop):
    products = shop.path(f"{shop.api}/products")

    def ask(*lines):
        with socket.create_connection(shop.address, timeout=TIMEOUT_S) as connection:
            connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
            return answer_of(connection)

    for hosts in ((), ("Host: a.example", "Host: b.example")):
        status, headers, body = ask(f"GET {products} HTTP/1.1", *hosts)
        assert (status, headers["content-type"]) == (400, "application/problem+json")
        assert json.loads(body)["code"] == "malformed_request"
    for path in (products.replace("/products", "%2Fproducts"), products.replace("/api", "%2f/api")):
        assert ask(f"GET {path} HTTP/1.1", "Host: a.example")[0] == 404
    assert ask(f"GET {products} HTTP/1.1", "Host: a.example", f"X-Large: {'x' * 200_000}")[0] == 431
    # With an underscore it is not the header that a proxy sets.
    assert ask(f"GET {products} HTTP/1.1", "Host: a.example", "X_Forwarded_For: 203.0.113.9")[0] == 200


@pytest.fixture(scope="module")
def strict(shop):
    """The same shop at a server that waits five seconds, and lets an address have ten slow requests."""
    directory = shop.installation.directory
    ini, log = directory / "strict.ini", directory / "strict.log"
    limits = "autonomy.body_seconds = 5\nautonomy.slow_per_address = 10\nautonomy.spool_megabytes = 1\n"
    usual = (directory / "server.ini").read_text().replace("autonomy.slow_per_address = 300\n", "")
    ini.write_text(usual + limits)
    port = quiet_port()
    with log.open("wb") as output:
        server = Fork(AUTONOMY, [f"--config={ini}", "serve", "--port", str(port)], output)
    strict = copy(shop)
    strict.address = ("127.0.0.1", port)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/health/live"), "the strict server")
        yield strict
    finally:
        kill_group(server.pid)
        server.wait()


def answers(url):
    try:
        return requests.get(url, timeout=TIMEOUT_S).ok
    except requests.ConnectionError:
        return False


def test_a_body_that_does_not_come_in_time_is_refused(strict):
    with strict.send_a_part(f"{strict.api}/customers/login", b"{") as connection:
        status, headers, body = answer_of(connection)
    assert (status, json.loads(body)["code"], headers["connection"]) == (408, "body_too_slow", "close")


def test_the_slow_requests_of_one_address_are_limited(strict):
    with many(30, lambda: strict.begin_an_upload(3000)) as slow:
        answered, _, _ = select.select(slow, [], [], TIMEOUT_S)
        status, headers, body = answer_of(answered[0])
    assert (status, headers["retry-after"]) == (429, "30")
    assert json.loads(body)["code"] == "too_many_requests"


def test_uploads_beyond_the_disk_space_are_refused_with_retry_after(strict):
    with strict.begin_an_upload(5_000_000) as connection:
        connection.sendall(b"x" * 3_000_000)
        status, headers, body = answer_of(connection)
    assert (status, json.loads(body)["code"]) == (503, "unavailable")
    assert headers["retry-after"] == "60"
    assert list((strict.installation.directory / "data" / "spool").iterdir()) == []
