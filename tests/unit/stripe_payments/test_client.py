"""How Stripe is called."""

import subprocess
import sys

import stripe

from stripe_payments import client, simulator


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


def test_the_simulator_is_a_command():
    code = "from stripe_payments.commands import stripe_commands; stripe_commands(['simulator', '--help'])"
    shown = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "--port" in shown
