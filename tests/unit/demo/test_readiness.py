"""The demonstration names the problem that keeps it from starting, and ignores unrelated ones."""

from __future__ import annotations

import io
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from demo.__main__ import check_tenants
from demo.places import ROOT, Places, free_port
from demo.processes import DemoError, Processes, problem_of_server

pytestmark = pytest.mark.processes


@pytest.fixture
def places(tmp_path):
    """The demonstration's directories, with a copy of the sample organisations."""
    found = Places(free_port(), free_port(), free_port(), tmp_path / "demo")
    shutil.copytree(ROOT / "tenants", tmp_path / "tenants")
    found.write_ini()
    text = found.ini.read_text("utf-8").replace(str(ROOT / "tenants"), str(tmp_path / "tenants"))
    found.ini.write_text(text, "utf-8")
    return found


def spoil(places, shop, source):
    """Give an organisation a file with a problem in its seventh line."""
    tenants = places.directory.parent / "tenants"
    spoilt = (tenants / f"{source}.ini").read_text("utf-8").replace("currency = ", "currency = no")
    (tenants / f"{shop}.ini").write_text(spoilt, "utf-8")


def test_a_problem_of_a_sample_shop_stops_it_with_file_line_and_remedy(places):
    spoil(places, "harbour", "harbour")
    with pytest.raises(DemoError, match=r"harbour\.ini:7: invalid_value: .*not a currency \(give"):
        check_tenants(Processes(places), Console(file=io.StringIO()))


def test_a_problem_of_another_organisation_is_shown_and_stops_nothing(places):
    spoil(places, "third", "nightjar")
    shown = io.StringIO()
    check_tenants(Processes(places), Console(file=shown))
    assert "third.ini:" in shown.getvalue()


def test_missing_sample_shops_stop_the_demonstration(places):
    shutil.rmtree(places.directory.parent / "tenants")
    with pytest.raises(DemoError, match="has problems"):
        check_tenants(Processes(places), Console(file=io.StringIO()))


def test_a_server_ini_that_cannot_be_used_is_a_message(places):
    places.ini.write_text("no ini", "utf-8")
    with pytest.raises(DemoError, match=r"tenants check failed:\n.*server\.ini"):
        check_tenants(Processes(places), Console(file=io.StringIO()))


@pytest.fixture
def health(places):
    """The body of ``/health/ready``: a status for each check."""
    checks = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"checks": {name: {"status": status} for name, status in checks.items()}})
            self.send_response(503 if "failed" in checks.values() else 200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", places.port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield checks
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("checks", "amiss"),
    [
        ({"database": "ok", "worker": "ok", "tenants": "ok"}, None),
        ({"database": "ok", "worker": "ok", "tenants": "degraded"}, None),
        ({"database": "ok", "worker": "degraded", "tenants": "degraded"}, "The server is not ready: worker"),
        ({"database": "failed", "tenants": "ok"}, "The server is not ready: database"),
    ],
)
def test_only_tenants_may_be_degraded(places, health, checks, amiss):
    health |= checks
    assert problem_of_server(places) == amiss


def test_a_server_that_does_not_start_in_time_is_reported(places):
    with pytest.raises(DemoError, match=r"The server is not ready: worker; see .*\.log"):
        Processes(places, start_within_s=0)._wait_while(lambda: "The server is not ready: worker")
