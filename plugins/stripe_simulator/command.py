"""The command ``stripe-simulator``, also ``python -m stripe_simulator`` and ``autonomy stripe simulator``."""

from __future__ import annotations

import signal
import sqlite3
import sys
from typing import Any, NoReturn

import click

from stripe_simulator.app import Simulator
from stripe_simulator.chaos import Chaos
from stripe_simulator.delivery import RetryPolicy
from stripe_simulator.errors import StripeError
from stripe_simulator.protocol import TEST_KEY
from stripe_simulator.server import SimulatorServer

STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}


class Endpoint(click.ParamType[tuple[str, str, str]]):
    """``KEY,URL,SECRET``."""

    name = "KEY,URL,SECRET"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str, str]:
        """Return key, URL and secret, or raise a usage error."""
        parts = [part.strip() for part in value.split(",")]
        if len(parts) != 3 or not all(parts):
            self.fail("write KEY,URL,SECRET, separated by commas.", param, ctx)
        if not TEST_KEY.match(parts[0]):
            self.fail("KEY must be a test key, sk_test_…", param, ctx)
        return parts[0], parts[1], parts[2]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=12111, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any.")
@click.option("--state", type=click.Path(dir_okay=False), help="File to keep the ledger in between runs.")
@click.option(
    "--endpoint",
    "endpoints",
    type=Endpoint(),
    multiple=True,
    help="A webhook endpoint to start with, with a secret of your choice. Repeatable.",
)
@click.option(
    "--attempts", default=15, show_default=True, type=click.IntRange(1), help="Attempts of a delivery."
)
@click.option(
    "--first-retry",
    default=0.2,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Seconds before the second attempt; doubled for each further one.",
)
@click.option(
    "--chaos",
    metavar="SEED",
    help="Lose, drop, delay, duplicate and reorder deliveries, as the seed determines. A dropped delivery is"
    " retried; a lost one is only listed by events with delivery_success=false.",
)
@click.option(
    "--rate-limit",
    type=click.IntRange(1),
    help="Calls of an account in a second; the next one is answered 429 rate_limit.",
)
@click.option(
    "--lock-timeouts",
    is_flag=True,
    help="Answer 429 lock_timeout while another call changes the same object.",
)
def simulator(
    *,
    host: str,
    port: int,
    state: str | None,
    endpoints: tuple[tuple[str, str, str], ...],
    attempts: int,
    first_retry: float,
    chaos: str | None,
    rate_limit: int | None,
    lock_timeouts: bool,
) -> None:
    """Run a simulator of Stripe, for development and tests. No money moves."""
    # Blocked before the first thread starts, so that only the main thread, which waits below, receives them.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    parts = _open(
        state,
        retry=RetryPolicy(first=first_retry, attempts=attempts),
        chaos=None if chaos is None else Chaos(chaos),
        rate_limit=rate_limit,
        lock_timeouts=lock_timeouts,
    )
    for key, url, secret in endpoints:
        _seed(parts, key, url, secret)
    server = _bind(parts, host, port)
    server.start()
    if chaos is not None:
        click.echo(f"Chaos with the seed {chaos}: deliveries fail.")
    click.echo(f"Stripe simulator (development and tests only) on {server.url}")
    signal.sigwait(STOP_SIGNALS)
    server.close()


def _open(state: str | None, **options: Any) -> Simulator:
    try:
        return Simulator(state or ":memory:", **options)
    except sqlite3.Error as error:
        _stop(f"{state} cannot be used as the simulator's state ({error}). Name another file, or remove it.")


def _seed(parts: Simulator, key: str, url: str, secret: str) -> None:
    try:
        identifier = parts.seed_endpoint(key, url, secret)
    except StripeError as error:
        _stop(f"--endpoint {url}: {error.message}")
    click.echo(f"Webhook endpoint {identifier} -> {url}")


def _bind(parts: Simulator, host: str, port: int) -> SimulatorServer:
    try:
        return SimulatorServer(parts, host, port)
    except ValueError:
        # waitress raises ValueError for a host that cannot be resolved.
        _stop(f"{host!r} is no address of this machine. Choose another --host.")
    except OSError as error:
        _stop(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop what uses it, or choose another --port."
        )


def _stop(message: str) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(2)
