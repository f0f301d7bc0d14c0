"""A running simulator, the real SDK as its client, and an endpoint that records deliveries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.app import Simulator
from stripe_simulator.delivery import RetryPolicy
from stripe_simulator.server import SimulatorServer
from tests.unit.stripe_simulator.support import Delivery, Listener


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(listener.answer(Delivery(body, dict(self.headers))))
            self.send_header("Location", listener.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(listener))
    listener.url = f"http://127.0.0.1:{server.server_port}/webhook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def options() -> dict[str, Any]:
    """Options of the simulator; a test module may override them."""
    return {}


@pytest.fixture
def server(options: dict[str, Any]) -> Iterator[SimulatorServer]:
    retry = RetryPolicy(first=0.01, longest=0.05, attempts=8)
    running = SimulatorServer(Simulator(retry=retry, **options))
    running.start()
    yield running
    running.close()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def client_for(server: SimulatorServer) -> Iterator[Callable[..., stripe.StripeClient]]:
    """Return a function that makes the SDK's client for a key, with options of ``StripeClient``."""
    transport = stripe.RequestsClient(timeout=(3.05, 20))

    def make(key: str, **options: Any) -> stripe.StripeClient:
        defaults = {"stripe_version": API_VERSION, "max_network_retries": 0, "http_client": transport}
        return stripe.StripeClient(key, base_addresses={"api": server.url}, **(defaults | options))

    yield make
    transport.close()


@pytest.fixture
def client(client_for: Callable[..., stripe.StripeClient]) -> stripe.StripeClient:
    return client_for("sk_test_acme")


@pytest.fixture
def order() -> Callable[..., dict[str, Any]]:
    """Return a function that makes the parameters of a Checkout session."""

    def make(currency: str = "eur", unit_amount: int = 990, **changes: Any) -> dict[str, Any]:
        price = {"currency": currency, "unit_amount": unit_amount, "product_data": {"name": "Night Train"}}
        return {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "line_items": [{"price_data": price, "quantity": 1}],
            "success_url": "https://shop.example/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/cancelled",
            **changes,
        }

    return make


@pytest.fixture
def session(client: stripe.StripeClient, order: Callable[..., dict[str, Any]]) -> Any:
    return client.v1.checkout.sessions.create(order())


@pytest.fixture
def visit(http: requests.Session, server: SimulatorServer) -> Callable[..., requests.Response]:
    """Return a function that posts an action to a session's page and follows no redirect."""

    def post(session_id: str, action: str, **form: str) -> requests.Response:
        page = f"{server.url}/c/pay/{session_id}"
        return http.post(page, data={"action": action, **form}, allow_redirects=False)

    return post


@pytest.fixture
def control(http: requests.Session, server: SimulatorServer) -> Callable[..., requests.Response]:
    """Return a function that posts a form to a control endpoint."""
    return lambda path, /, **form: http.post(f"{server.url}/_simulator/{path}", data=form)


@pytest.fixture
def paid(client: stripe.StripeClient, session: Any, visit: Callable[..., requests.Response]) -> Any:
    """A paid session, with payment intent and charge as whole objects."""
    visit(session.id, "pay")
    expand = ["payment_intent.latest_charge"]
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": expand})


@pytest.fixture
def told(client: stripe.StripeClient) -> Callable[[], list[str]]:
    """Return a function that returns the types of the events since its last call, oldest first."""
    seen: set[str] = set()

    def types() -> list[str]:
        new = [event for event in client.v1.events.list({"limit": 100}).data if event.id not in seen]
        seen.update(event.id for event in new)
        return [event.type for event in reversed(new)]

    return types


@pytest.fixture
def ledger(http: requests.Session, server: SimulatorServer) -> Callable[[], dict[str, Any]]:
    return lambda: dict(http.get(f"{server.url}/_simulator/ledger").json())
