"""The configuration of calls to Stripe."""

import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import stripe
from click.testing import CliRunner

import stripe_simulator as simulator
from stripe_payments.api import client
from stripe_payments.cli import commands
from stripe_payments.endpoints.client import Pace

STRIPE = stripe.DEFAULT_API_BASE


def test_telemetry_is_off():
    assert stripe.enable_telemetry is False


def test_all_clients_of_a_process_share_their_connections():
    assert client._connections(STRIPE) is client._connections(STRIPE)


def test_calls_have_a_time_out_and_are_retried():
    assert client._connections(STRIPE)._timeout == (3.05, 20)
    assert client.RETRIES > 0


@pytest.fixture
def server():
    """A server that sets a cookie in every answer and records the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            calls.append((self.path, dict(self.headers)))
            self.send_response(200)
            self.send_header("Set-Cookie", "who=acme; Path=/")
            self.end_headers()

        def log_message(self, *_):
            """Not on the console."""

    calls = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", calls
        listening.shutdown()


class Recording(stripe.HTTPClient):
    """A server in place of Stripe's API that records the bodies."""

    name = "recording"

    def __init__(self):
        super().__init__()
        self.bodies = []

    def request(self, method, url, headers, post_data=None):
        self.bodies.append(post_data)
        return '{"id": "cs_test_1"}', 200, {}


def test_a_checkout_that_is_opened_again_sends_stripe_the_same_bytes():
    connections = Recording()
    api = stripe.StripeClient("sk_test_acme", http_client=connections)
    items = [{"quantity": 1, "price_data": {"unit_amount": 900, "currency": "eur"}}]
    as_made = {"success_url": "https://a.example", "mode": "payment", "line_items": items}
    items = [{"price_data": {"currency": "eur", "unit_amount": 900}, "quantity": 1}]
    as_kept = {"mode": "payment", "line_items": items, "success_url": "https://a.example"}
    for parameters in (as_made, as_kept):
        client._create_session(api, parameters, "checkout-1")
    first, second = connections.bodies
    assert first == second


def test_no_cookie_of_an_answer_is_sent_with_another_call(server):
    url, calls = server
    connections = client._connections.__wrapped__(url)
    for _ in range(2):
        connections.request("post", f"{url}/v1/refunds", {})
    assert ["Cookie" in headers for _, headers in calls] == [False, False]


def test_stripe_is_called_through_the_proxy_of_the_environment(server, monkeypatch):
    url, calls = server
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("no_proxy", "")
    client._connections.__wrapped__("http://stripe.invalid").request("post", "http://stripe.invalid/v1", {})
    assert [path for path, _ in calls] == ["http://stripe.invalid/v1"]


def test_a_netrc_file_does_not_replace_the_organisations_key(server, monkeypatch, tmp_path):
    url, calls = server
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    connections = client._connections.__wrapped__(url)
    connections.request("post", f"{url}/v1/refunds", {"Authorization": "Bearer sk_test_acme"})
    assert [headers["Authorization"] for _, headers in calls] == ["Bearer sk_test_acme"]


def test_the_pinned_version_is_the_one_the_simulator_speaks():
    assert client.API_VERSION == simulator.API_VERSION


@pytest.mark.processes
def test_loading_the_plugin_does_not_import_the_sdk():
    code = "import sys, stripe_payments.plugin; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code]).returncode == 0


@pytest.mark.processes
def test_the_commands_are_listed_without_importing_the_sdk():
    code = (
        "import sys, stripe_payments.cli.commands as commands\n"
        "commands.stripe_commands(['--help'], standalone_mode=False)\n"
        "sys.exit('stripe' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert all(name in shown.stdout for name in commands.COMMANDS)


@pytest.mark.parametrize(("name", "option"), [("simulator", "--port"), ("webhook", "rotate")])
def test_each_command_is_loaded_when_it_is_called(name, option):
    shown = CliRunner().invoke(commands.stripe_commands, [name, "--help"])
    assert option in shown.output


def test_calls_of_all_threads_are_spread_out(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    pace = Pace(per_second=20)
    for _ in range(3):
        pace.wait()
    assert slept == pytest.approx([0, 0.05, 0.1])
