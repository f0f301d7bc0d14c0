"""The secret is replaced one process after the other, as docs/operations.md describes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from tests.functional.backup.place import MUSIC, SHOP, Place, buy, sell_and_upload
from tests.support.server_processes import processes, wait_for

pytestmark = pytest.mark.processes

API = "/harbour/api/v1"
LOGIN = {"email": "ada@example.org", "password": "a long engine"}
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
REQUESTS = 20
"""A number of requests of which each of two processes gets some."""


@pytest.fixture
def site(tmp_path):
    """Two shops with an album each, which Ada has bought, and the secret in a file of its own."""
    place = Place(tmp_path / "site", ("autonomy.secret = file:%(here)s/first", "autonomy.log_format = json"))
    place.make()
    for name in ("first", "second"):
        (place.directory / name).write_text(f"the {name} secret of this server".ljust(40, "."))
    for name in ("harbour", "nightjar"):
        (place.tenants / f"{name}.ini").write_text(SHOP.format(name=name))
    place.server.ensure_running()
    try:
        place.succeed("migrate")
        sell_and_upload(place)
        buy(place)
        yield place
    finally:
        place.server.remove()


class Server:
    """The processes of the site, and what clients see of them."""

    def __init__(self, place, running):
        self.place = place
        self.running = running
        self.url = None

    def name_secrets(self, secret, previous=None):
        text = self.place.ini.read_text()
        kept = [line for line in text.splitlines() if "secret = " not in line]
        lines = [*kept, f"autonomy.secret = file:%(here)s/{secret}"]
        lines += [f"autonomy.previous_secret = file:%(here)s/{previous}"] if previous else []
        self.place.ini.write_text("\n".join([*lines, ""]))

    def start_server(self):
        port = "0" if self.url is None else self.url.rpartition(":")[2]
        self.running.start("server", "serve", "--port", port, "--workers", "2")
        self.url = wait_for(self._told_url, "the server")
        wait_for(lambda: self._check("worker") == "ok", "server and worker")

    def start_worker(self):
        started = self.running.told_by("worker").count("worker.started")
        self.running.start("worker", "worker")
        wait_for(lambda: self.running.told_by("worker").count("worker.started") > started, "the worker")

    def restart_server(self):
        self.running.stop("server")
        self.start_server()

    def restart_worker(self):
        self.running.stop("worker")
        self.start_worker()

    def ask(self, path, token=None, **options):
        """A request on a connection of its own, and so to either of the processes."""
        headers = {"Host": "localhost", **options.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        method = "POST" if "json" in options else "GET"
        return requests.request(method, f"{self.url}{path}", headers=headers, **options)

    def login(self, **headers):
        return self.ask(f"{API}/customers/login", json=LOGIN, headers=headers)

    def link(self, token):
        """A signed link to what Ada has bought, without the server's address."""
        (product,) = self.ask(f"{API}/products").json()["items"]
        listed = self.ask(f"{API}/customers/products/{product['id']}/tracks", token).json()
        parts = urlsplit(listed["items"][0]["stream_url"])
        return f"{parts.path}?{parts.query}"

    def statuses(self, path, token=None):
        """The statuses of the answers of all processes."""
        return {self.ask(path, token).status_code for _ in range(REQUESTS)}

    def _told_url(self):
        told = [line for line in self.running.told_by("server").splitlines() if "Server on http" in line]
        return told[-1].rpartition(" ")[2] if told else None

    def _check(self, name):
        try:
            return self.ask("/health/ready").json()["checks"][name]["status"]
        except (requests.RequestException, KeyError):
            return None


@pytest.fixture
def server(site):
    with processes(site.ini) as running:
        made = Server(site, running)
        made.start_worker()
        made.start_server()
        yield made


def recorded(place, name):
    """The sealed content of an organisation in the record."""
    with closing(sqlite3.connect(place.data / "tenants.sqlite3")) as record:
        found = record.execute("SELECT content FROM organisations WHERE id = ?", [name]).fetchone()
    return found and found[0]


def test_logins_and_links_stay_valid_during_a_rotation(server):
    wait_for(lambda: recorded(server.place, "nightjar"), "the record of organisations")
    (server.place.tenants / "nightjar.ini").write_text("[organisation\n")
    first = server.login(**KEY).json()
    old, link = first["access_token"], server.link(first["access_token"])

    def nothing_has_ended():
        assert server.statuses(f"{API}/customers/me", old) == {200}
        assert server.statuses(link) == {200}
        assert server.ask(link).content == MUSIC
        assert server.statuses("/nightjar/api/v1/products") == {200}
        replayed = [server.login(**KEY) for _ in range(REQUESTS)]
        assert all(answer.json() == first for answer in replayed)
        assert {answer.headers["Idempotent-Replayed"] for answer in replayed} == {"true"}

    nothing_has_ended()
    server.name_secrets("second", previous="first")
    server.restart_server()
    nothing_has_ended()
    server.restart_worker()
    nothing_has_ended()
    new = server.login().json()["access_token"]
    new_link = server.link(new)

    server.name_secrets("second")
    server.restart_server()
    server.restart_worker()
    assert server.statuses(f"{API}/customers/me", new) == {200}
    assert server.statuses(new_link) == {200}
    assert server.statuses(f"{API}/customers/me", old) == {401}
    assert server.statuses(link) == {401}
    assert server.statuses("/nightjar/api/v1/products") == {200}
    assert "last_good_unreadable" not in server.running.told_by("server") + server.running.told_by("worker")
    again = server.ask(f"{API}/customers/refresh", json={"refresh_token": first["refresh_token"]})
    assert again.status_code == 200
