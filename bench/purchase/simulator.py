"""The Stripe simulator in a separate process, its data, and the contender that calls it directly."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import stripe

from autonomy_core.db.embedded import EmbeddedServer
from bench.contender import Contender, Timing, over_http
from bench.load import post_request
from bench.server import Server, free_port, running
from stripe_payments.api.client import API_VERSION

NAME = "simulator"


def key(name: str) -> str:
    """Return the key of a contender's own account."""
    return f"sk_test_bench_{name}"


def serving(directory: Path) -> AbstractContextManager[Server]:
    """Run the simulator during the block."""
    port = free_port()
    command = [sys.executable, "-m", "stripe_simulator", "--port", str(port)]
    return running(command, port=port, environment={}, log=directory / f"{NAME}.log")


def sessions_of(server: Server, name: str) -> list[str]:
    """Return the ids of all checkout sessions of a contender's account."""
    client = stripe.StripeClient(key(name), stripe_version=API_VERSION, base_addresses={"api": server.url})
    return [session.id for session in client.v1.checkout.sessions.list({"limit": 100}).auto_paging_iter()]


@contextmanager
def contender(
    postgresql: EmbeddedServer, directory: Path, connections: int, stripe_server: Server
) -> Iterator[Contender]:
    """The simulator alone: the request for a session that ``ours`` sends, sent directly."""
    post = over_http(stripe_server, _request, connections)

    def run(numbers: range) -> Timing:
        timing = post(numbers)
        return Timing(timing.tasks, timing.seconds, stripe_cpu_seconds=timing.cpu_seconds)

    yield Contender(
        NAME, lambda _: None, run, lambda: {"Stripe sessions": len(sessions_of(stripe_server, NAME))}
    )


def form(number: int) -> str:
    """Return the parameters of a checkout session, encoded as the SDK encodes them."""
    payment = f"{number:032}"
    return urlencode(
        {
            "mode": "payment",
            "line_items[0][price_data][currency]": "eur",
            "line_items[0][price_data][unit_amount]": "1200",
            "line_items[0][price_data][product_data][name]": f"Recording {number % 20}",
            "line_items[0][quantity]": "1",
            "client_reference_id": payment,
            "customer_email": f"buyer{number}@example.org",
            "metadata[organisation_id]": "bench",
            "metadata[payment_id]": payment,
            "payment_intent_data[metadata][organisation_id]": "bench",
            "payment_intent_data[metadata][payment_id]": payment,
            "success_url": (
                "https://shop.example/api/v1/checkout/stripe/return?session_id={CHECKOUT_SESSION_ID}"
            ),
            "cancel_url": "https://shop.example/cancelled",
        }
    )


def _request(number: int) -> bytes:
    headers = {
        "Authorization": f"Bearer {key(NAME)}",
        "Idempotency-Key": f"checkout-{number}",
        "Stripe-Version": API_VERSION,
    }
    body = form(number).encode()
    return post_request("/v1/checkout/sessions", body, "application/x-www-form-urlencoded", headers)
