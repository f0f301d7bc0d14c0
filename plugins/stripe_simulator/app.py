"""The parts of the simulator, and the WSGI application that shows them."""

from __future__ import annotations

import logging
from typing import Any

from pyramid.config import Configurator
from pyramid.events import NewResponse
from pyramid.request import Request
from pyramid.response import Response

from stripe_simulator import API_VERSION, objects, parameters
from stripe_simulator.api.endpoints import EndpointCreate
from stripe_simulator.chaos import Chaos
from stripe_simulator.checkout import Checkout
from stripe_simulator.delivery import Courier, RetryPolicy
from stripe_simulator.disputes import Disputes
from stripe_simulator.errors import StripeError
from stripe_simulator.events import Events
from stripe_simulator.faults import Faults
from stripe_simulator.idempotency import IdempotencyKeys
from stripe_simulator.identifiers import account_of, derived_id
from stripe_simulator.limits import ObjectLocks, RateLimiter
from stripe_simulator.listeners import Listeners
from stripe_simulator.payments import Payments
from stripe_simulator.refunds import Refunds
from stripe_simulator.state import Books
from stripe_simulator.versions import ACCOUNT_VERSION
from stripe_simulator.websocket import WebSocket

log = logging.getLogger(__name__)

HANDLED_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
"""What the server acts upon, and endpoints made at the start are therefore sent."""


class Simulator:
    """Everything behind the HTTP: books, courier, and the rules that use them."""

    def __init__(
        self,
        state: str = ":memory:",
        retry: RetryPolicy | None = None,
        *,
        chaos: Chaos | None = None,
        rate_limit: int | None = None,
        lock_timeouts: bool = False,
        takes_live_keys: bool = False,
    ) -> None:
        """Open the books in the file ``state``; raises ``sqlite3.Error`` if they cannot be read.

        Args:
            retry: when deliveries are tried again.
            chaos: what goes wrong with deliveries; by default nothing.
            rate_limit: requests of an account in a second; by default any number.
            lock_timeouts: whether a request is refused while another one changes the same object.
            takes_live_keys: whether ``sk_live_…`` keys work as well, for tests of what is done in live; what they make
                says that it is live, and moves no money either.
        """
        self.takes_live_keys = takes_live_keys
        self.books = Books(state)
        self.listeners = Listeners()
        self.courier = Courier(self.books, self.listeners, retry, chaos)
        self.websocket = WebSocket(self.listeners, self.courier.answered)
        seed = None if chaos is None else str(chaos.seed)
        self.events = Events(self.books, self.courier, self.listeners, seed)
        self.payments = Payments(self.books, self.events)
        self.checkout = Checkout(self.books, self.events, self.payments)
        self.refunds = Refunds(self.books, self.events)
        self.disputes = Disputes(self.books, self.events)
        self.idempotency = IdempotencyKeys(self.books)
        self.limiter = RateLimiter(rate_limit)
        self.locks = ObjectLocks(enabled=lock_timeouts)
        self.faults = Faults()

    def seed_endpoint(self, key: str, url: str, secret: str) -> str:
        """Give the account of ``key`` an endpoint for `HANDLED_EVENTS`, with a secret of one's choice.

        It is always the same endpoint for the same key and URL, so that a restart adds none. Returns its id; raises
        StripeError if ``url`` is not an http URL.
        """
        wanted = {"url": url, "enabled_events": {str(i): name for i, name in enumerate(HANDLED_EVENTS)}}
        body = objects.endpoint(
            parameters.load(EndpointCreate(), wanted | {"api_version": API_VERSION}),
            derived_id("we", key, url),
        )
        self.books.put("endpoint", body["id"], account_of(key), body | {"secret": secret})
        return str(body["id"])


def make_app(simulator: Simulator) -> Any:
    """Return the WSGI application of ``simulator``."""
    config = Configurator()
    config.registry.simulator = simulator
    config.include("stripe_simulator.front_page")
    config.include("stripe_simulator.protocol")
    config.include("stripe_simulator.checkout_page")
    config.include("stripe_simulator.control")
    config.include("stripe_simulator.dashboard")
    config.include("stripe_simulator.faults")
    config.add_exception_view(_refused, context=StripeError)
    config.add_exception_view(_broken, context=Exception)
    config.add_notfound_view(_not_found)
    config.add_subscriber(_mark, NewResponse)
    return config.make_wsgi_app()


def _mark(event: NewResponse) -> None:
    """Say on every response that this is not Stripe."""
    headers = event.response.headers
    headers["X-Stripe-Simulator"] = "true"
    if event.request.path_info.startswith("/v1/"):
        headers["Request-Id"] = event.request.stripe_request_id
        headers["Stripe-Version"] = event.request.headers.get("Stripe-Version", ACCOUNT_VERSION)


def _refused(error: StripeError, request: Request) -> Response:
    return Response(json_body=error.body, status=error.status, headers=error.headers)


def _not_found(error: Exception, request: Request) -> Response:
    return _refused(
        StripeError(f"Unrecognized request: {request.method} {request.path}", status=404), request
    )


def _broken(error: Exception, request: Request) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return _refused(
        StripeError("The simulator failed; its log says why.", status=500, error_type="api_error"), request
    )
