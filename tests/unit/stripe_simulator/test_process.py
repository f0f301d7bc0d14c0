"""The simulator as a separate process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
import stripe
from click.testing import CliRunner

from stripe_simulator import API_VERSION
from stripe_simulator.command import simulator
from tests.unit.stripe_simulator.support import TIMEOUT_S, until

KEY = "sk_test_acme"


@pytest.fixture
def run():
    """Return a function that starts the command with options and returns process, URL and what it printed."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "stripe_simulator", *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        printed = ""
        for line in process.stdout:
            printed += line
            if found := re.search(r"on (http://\S+)", line):
                return process, found[1], printed
        return process, None, process.stderr.read()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def sdk(url):
    return stripe.StripeClient(KEY, stripe_version=API_VERSION, base_addresses={"api": url}).v1


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_simulator_prints_its_url_and_stops_cleanly(run, number):
    process, url, printed = run("--port", "0")
    assert "development and tests only" in printed
    assert requests.get(f"{url}/_simulator/ledger", timeout=TIMEOUT_S).json()["sessions"] == []
    process.send_signal(number)
    assert process.wait(TIMEOUT_S) == 0
    assert "Traceback" not in process.stderr.read()


@pytest.mark.processes
def test_the_options_for_limits_and_chaos_take_effect(run):
    _, url, printed = run("--port", "0", "--chaos", "blue", "--rate-limit", "1", "--lock-timeouts")
    assert "Chaos with the seed blue" in printed
    headers = {"Authorization": f"Bearer {KEY}"}
    until(lambda: requests.get(f"{url}/v1/events", headers=headers, timeout=TIMEOUT_S).status_code == 429)


@pytest.mark.processes
def test_a_taken_port_is_a_clear_message_and_status_2(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process, _, message = run("--port", port)
    assert process.wait(TIMEOUT_S) == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in message
    assert "Traceback" not in message


@pytest.mark.processes
def test_an_invalid_host_is_a_clear_message_and_status_2(run):
    process, _, message = run("--host", "no such host", "--port", "0")
    assert process.wait(TIMEOUT_S) == 2
    assert "'no such host' is no address of this machine. Choose another --host." in message
    assert "Traceback" not in message


@pytest.mark.processes
def test_a_killed_simulator_keeps_its_state_and_pending_deliveries(run, order, tmp_path, listener):
    options = ["--port", "0", "--state", str(tmp_path / "ledger"), "--first-retry", "0.05"]
    options += ["--endpoint", f"{KEY},{listener.url},whsec_from_the_ini"]
    listener.statuses = [500]
    process, url, _ = run(*options)
    session = sdk(url).checkout.sessions.create(order(), {"idempotency_key": "payment-1"})
    requests.post(session.url, data={"action": "pay"}, timeout=TIMEOUT_S, allow_redirects=False)
    until(lambda: listener.received)
    process.kill()
    process.wait()
    listener.statuses = [200]
    _, url, _ = run(*options)
    assert sdk(url).checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert sdk(url).checkout.sessions.create(order(), {"idempotency_key": "payment-1"}).id == session.id
    ledger = f"{url}/_simulator/ledger"
    [delivery] = until(
        lambda: [
            one
            for one in requests.get(ledger, timeout=TIMEOUT_S).json()["deliveries"]
            if one["status"] == "delivered"
        ]
    )
    assert delivery["type"] == "checkout.session.completed"
    assert listener.received[-1].verify("whsec_from_the_ini")


@pytest.fixture
def signals_as_they_were():
    """The command blocks the signals that stop it; here it runs in the process of the tests."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.usefixtures("signals_as_they_were")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--endpoint", "sk_test_acme,http://shop.example"], "KEY,URL,SECRET"),
        (["--endpoint", "sk_live_acme,http://shop.example,whsec_a"], "test key"),
        (["--endpoint", "sk_test_acme,shop.example,whsec_a"], "http or https"),
        (["--port", "70000"], "65535"),
        (["--state", __file__], "cannot be used"),
        (["--rate-limit", "0"], "--rate-limit"),
    ],
)
def test_a_wrong_option_is_a_clear_message_and_status_2(options, message):
    result = CliRunner().invoke(simulator, ["--port", "0", *options])
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert message in result.stderr
