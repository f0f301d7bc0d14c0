"""How Stripe is called."""

import subprocess
import sys
import time

import pytest
import stripe
from click.testing import CliRunner

from stripe_payments import client, commands, simulator
from stripe_payments.endpoints.client import Pace


def test_telemetry_is_off():
    assert stripe.enable_telemetry is False


def test_all_clients_of_a_process_share_their_connections():
    assert client._connections() is client._connections()


def test_calls_have_a_time_out_and_are_retried():
    assert client._connections()._timeout == (3.05, 20)
    assert client.RETRIES > 0


def test_the_pinned_version_is_the_one_the_simulator_speaks():
    assert client.API_VERSION == simulator.API_VERSION


def test_loading_the_plugin_does_not_import_the_sdk():
    code = "import sys, stripe_payments.plugin; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code]).returncode == 0


def test_the_commands_are_listed_without_importing_the_sdk():
    code = (
        "import sys, stripe_payments.commands as commands\n"
        "commands.stripe_commands(['--help'], standalone_mode=False)\n"
        "sys.exit('stripe' in sys.modules)"
    )
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert all(name in shown.stdout for name in commands.COMMANDS)


@pytest.mark.parametrize(("name", "option"), [("simulator", "--port"), ("webhook", "rotate")])
def test_each_command_is_there_when_it_is_called(name, option):
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
