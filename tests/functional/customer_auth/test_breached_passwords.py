"""Passwords that are known from breaches of other sites."""

import hashlib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic

import pytest

from autonomy_core.settings import load_settings
from autonomy_core.settings_schema import SettingsError
from customer_auth.passwords import breaches
from customer_auth.passwords.filters import build
from customer_auth.settings import ServerSettings
from tests.functional.customer_auth.opening import open_shop

BREACHED = "Tr0ub4dor and three"
PADDED = "correct horse battery"
DIGEST = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()
PADDING = hashlib.sha1(PADDED.encode(), usedforsecurity=False).hexdigest().upper()


class Service(BaseHTTPRequestHandler):
    """Answers as Have I Been Pwned does, and records what it was asked."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Add-Padding"]))
        self.server.answer(self)

    def log_message(self, *_):
        pass


def ranges(handler):
    lines = [f"{DIGEST[5:]}:3", f"{PADDING[5:]}:0", "0" * 35 + ":7"]
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write("\r\n".join(lines).encode())


def failing(handler):
    handler.send_error(503)


def redirecting(handler):
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.end_headers()


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"0" * 65_536)
    except OSError:
        pass


@contextmanager
def serving(answer):
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.asked, server.answer = [], answer
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def service():
    with serving(ranges) as server:
        yield server


def url_of(server):
    return f"http://127.0.0.1:{server.server_port}/range/"


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A filter of breached passwords, with one in it."""
    directory = tmp_path_factory.mktemp("filter")
    (directory / "hashes.txt").write_text(hashlib.sha1(b"zebra lighthouse").hexdigest())
    build([directory / "hashes.txt"], directory / "breached.filter", 0.001)
    return directory / "breached.filter"


@pytest.fixture(scope="module")
def autonomy_settings(service, listed):
    return {
        "customer_auth.breached_passwords": str(listed),
        "customer_auth.breached_passwords_url": url_of(service),
    }


@pytest.fixture
def asking_shop(autonomy, service):
    service.asked.clear()
    return open_shop(autonomy, breached_passwords_online="yes")


def test_a_password_in_the_servers_filter_is_refused(shop):
    assert shop.register(password="zebra lighthouse", status=422).json["reason"] == "breached"
    shop.register(password="zebra lighthouses")


def test_a_password_that_the_service_knows_is_refused(asking_shop):
    refused = asking_shop.register(password=BREACHED, status=422).json
    assert (refused["code"], refused["reason"]) == ("weak_password", "breached")


def test_the_service_learns_five_digits_and_pads_its_answer(asking_shop, service):
    asking_shop.register(password=BREACHED, status=422)
    assert service.asked == [(f"/range/{DIGEST[:5]}", "true")]


def test_a_line_of_padding_is_no_breach(asking_shop):
    asking_shop.register(password=PADDED)


def test_no_service_is_asked_unless_the_organisation_says_so(shop, service):
    service.asked.clear()
    shop.register(password=BREACHED)
    assert service.asked == []


def test_the_service_is_asked_at_a_change_of_the_password(asking_shop):
    token = asking_shop.register().json["access_token"]
    refused = asking_shop.change_password(token, "a long engine", BREACHED, 422).json
    assert refused["reason"] == "breached"


@pytest.mark.parametrize("answer", [failing, redirecting, endless])
def test_a_service_that_fails_refuses_no_password(answer):
    with serving(answer) as server:
        assert not breaches.is_breached(url_of(server), BREACHED)
        assert len(server.asked) == 1


def test_a_service_that_cannot_be_reached_refuses_no_password():
    with serving(ranges) as gone:
        url = url_of(gone)
    assert not breaches.is_breached(url, BREACHED)


def test_a_slow_service_is_given_up():
    done = Event()
    with serving(lambda handler: drip(handler, done)) as server:
        began = monotonic()
        assert not breaches.is_breached(url_of(server), BREACHED, longest_wait_s=0.3)
        assert monotonic() - began < 3
        done.set()


def drip(handler, done):
    """Send a byte at a time: each read succeeds, and the answer has no end."""
    handler.send_response(200)
    handler.end_headers()
    while not done.wait(0.05):
        handler.wfile.write(b"0")


def test_a_file_that_is_no_filter_is_refused_at_start(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("letmein")
    raw = {
        "autonomy.tenants": str(tmp_path),
        "autonomy.data": str(tmp_path),
        "customer_auth.breached_passwords": str(path),
    }
    with pytest.raises(SettingsError, match="no filter of passwords"):
        load_settings(raw, {"customer_auth": ServerSettings}, keep_secret=False)
