"""The parts of the simulator, and its WSGI application."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from pyramid.config import Configurator
from pyramid.events import NewResponse
from pyramid.request import Request
from pyramid.response import Response
from pyramid.router import Router

from stripe_simulator import API_VERSION, objects, parameters
from stripe_simulator.api.endpoints import EndpointCreate
from stripe_simulator.balances import Balances
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
from stripe_simulator.listeners import ListenerConnections
from stripe_simulator.payments import Payments
from stripe_simulator.refunds import Refunds
from stripe_simulator.state import Ledger
from stripe_simulator.versions import ACCOUNT_VERSION
from stripe_simulator.websocket import WebSocket

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

SIMULATOR = "stripe_simulator"
"""The simulator in a request's WSGI environment."""

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
"""The events that the server handles. Endpoints from the command line receive them."""


class Simulator:
    """All parts behind the HTTP interface: the ledger, the courier, and the rules of each object."""

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
        """Open the ledger in the file ``state``; raises ``sqlite3.Error`` if it cannot be read.

        Args:
            state: the ledger's file, or ``:memory:``.
            retry: when deliveries are retried.
            chaos: simulated failures of deliveries; none by default.
            rate_limit: the requests of an account per second; unlimited by default.
            lock_timeouts: whether a request is refused while another request changes the same object.
            takes_live_keys: whether ``sk_live_…`` keys work too, for tests of live mode. Their objects have
                ``livemode`` set; no money moves either.
        """
        self.takes_live_keys = takes_live_keys
        self.ledger = Ledger(state)
        self.listeners = ListenerConnections()
        self.courier = Courier(self.ledger, self.listeners, retry, chaos)
        self.websocket = WebSocket(self.listeners, self.courier.answered)
        seed = None if chaos is None else str(chaos.seed)
        self.events = Events(self.ledger, self.courier, self.listeners, seed)
        self.balances = Balances(self.ledger)
        self.payments = Payments(self.ledger, self.events, self.balances)
        self.checkout = Checkout(self.ledger, self.events, self.payments)
        self.refunds = Refunds(self.ledger, self.events, self.balances)
        self.disputes = Disputes(self.ledger, self.events, self.balances)
        self.idempotency = IdempotencyKeys(self.ledger)
        self.limiter = RateLimiter(rate_limit)
        self.locks = ObjectLocks(enabled=lock_timeouts)
        self.faults = Faults()

    def seed_endpoint(self, key: str, url: str, secret: str) -> str:
        """Create an endpoint for `HANDLED_EVENTS` in the account of ``key``, with a given secret.

        The same key and URL always give the same endpoint, so a restart adds none. Returns its id; raises
        StripeError if ``url`` is not an http URL.
        """
        wanted = {"url": url, "enabled_events": {str(i): name for i, name in enumerate(HANDLED_EVENTS)}}
        body = objects.endpoint(
            parameters.load(EndpointCreate(), wanted | {"api_version": API_VERSION}),
            derived_id("we", key, url),
        )
        self.ledger.put("endpoint", body["id"], account_of(key), body | {"secret": secret})
        return str(body["id"])


def make_app(simulator: Simulator) -> WSGIApplication:
    """Return the WSGI application of ``simulator``."""
    inner = router()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[SIMULATOR] = simulator
        return inner(environ, start_response)

    return app


@cache
def router() -> Router:
    """Return the application of the simulator that a request's environment names.

    All simulators of a process share it, because it takes longer to build than many a test.
    """
    config = Configurator()
    config.add_request_method(lambda request: request.environ[SIMULATOR], "simulator", property=True)
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
    """Mark every response as coming from the simulator."""
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
        StripeError("The simulator failed; its log contains the reason.", status=500, error_type="api_error"),
        request,
    )
