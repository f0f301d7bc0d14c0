"""The official Stripe CLI, connected to the simulator and to no other server."""

import os
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALLED = Path(__file__).parents[3] / "var" / "stripe-cli"
WITHIN_S = 120


class StripeCli:
    """The CLI with an account's key, at the simulator of an address."""

    def __init__(self, api_base, key, home):
        self._binary = max(INSTALLED.glob("*/node_modules/.bin/stripe"), default=None)
        if self._binary is None:
            pytest.skip("there is no Stripe CLI: `make stripe-cli` gets it, with npm")
        self._account = ["--api-base", api_base, "--api-key", key]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "STRIPE_CLI_TELEMETRY_OPTOUT": "1",
            # The CLI looks for updates, and nothing answers there. Go uses no proxy for this machine.
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
        }

    def run(self, *arguments):
        """Run a command to its end; gives what it printed. It must succeed."""
        done = subprocess.run(
            self._command(arguments),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def listening(self, forward_to):
        """Run ``stripe listen`` during the block; yields its output as a growing list of lines."""
        arguments = ("listen", "--all-snapshot", "--skip-update", "--forward-to", forward_to)
        process = subprocess.Popen(
            self._command(arguments),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        printed = []
        reading = threading.Thread(target=lambda: printed.extend(process.stdout))
        reading.start()
        try:
            yield printed
        finally:
            # What npm installs is a program that starts the CLI: both must go.
            os.killpg(process.pid, 9)
            process.wait()
            reading.join()
            process.stdout.close()

    def _command(self, arguments):
        return [self._binary, *arguments, *self._account]
