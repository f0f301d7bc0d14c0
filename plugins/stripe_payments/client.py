"""Calls Stripe about checkouts, and connects `client_endpoints`: one connection pool a process, one client a call.

Clients are made anew for every call, which takes microseconds, so that a changed key counts at once and no
organisation's key can serve another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import stripe
import structlog

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.protocols import CheckoutOrder
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.amounts import InexactAmount, to_stripe
from stripe_payments.settings import PLUGIN, key_name, keys_of

log = structlog.get_logger(__name__)

API_VERSION = "2026-08-26.dahlia"
"""Pinned, so that an upgrade of the SDK does not change what events and sessions look like."""

TIMEOUT_S = (3.05, 20)
"""To connect, and to wait for an answer."""

RETRIES = 2

# It would write a file under the home directory and send data about the machine.
stripe.enable_telemetry = False


NO_ANSWER = "The payment provider does not answer."
REFUSED = "The payment provider did not take the order."
NOT_SET_UP = "Payments are not set up completely."

REMEDIES = {
    "amount_too_small": "raise the price: Stripe takes at least about 0.50 euros, or as much elsewhere"
}
"""What to do about Stripe's error codes, where the code is not enough."""

REFUSALS = (stripe.AuthenticationError, stripe.PermissionError, stripe.InvalidRequestError, stripe.CardError)


def create_session(scope: TenantScope, order: CheckoutOrder) -> dict[str, Any]:
    """Open a checkout session; twice for one order is one session.

    Every parameter follows from the order, because Stripe refuses other parameters under the same
    idempotency key. The session expires when Stripe says so, after 24 hours.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; trying again may help.
        PaymentsUnavailable: Stripe does not take what we ask, or the settings do not let us ask.
    """
    client = client_for(scope, order.environment)
    options: Any = {"idempotency_key": f"checkout-{order.payment_id}"}
    with _translated("checkout.sessions.create"):
        session = client.v1.checkout.sessions.create(params=_parameters(scope, order), options=options)
        return session.to_dict()


def retrieve_session(scope: TenantScope, environment: Environment, session_id: str) -> dict[str, Any]:
    """A checkout session as it is now, with its payment intent.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; trying again may help.
        PaymentsUnavailable: Stripe does not take what we ask, or the settings do not let us ask.
    """
    client = client_for(scope, environment)
    with _translated("checkout.sessions.retrieve"):
        session = client.v1.checkout.sessions.retrieve(session_id, params={"expand": ["payment_intent"]})
        return session.to_dict()


def client_for(scope: TenantScope, environment: Environment) -> stripe.StripeClient:
    """A client with the organisation's key of an environment, for one call.

    Raises:
        PaymentsUnavailable: there is no key, or it is a live one while the server talks to the simulator.
    """
    key = keys_of(scope.settings(PLUGIN), environment).secret_key
    if key is None:
        raise _not_set_up(f"set {key_name(environment, 'secret_key')} in the organisation's ini file")
    api_base = scope.server_settings(PLUGIN).get("api_base")
    if api_base and environment == "live":
        raise _not_set_up(
            "stripe_payments.api_base points at the simulator, which takes no live payments: "
            "remove it from the server's ini file, or set the organisation's environment to test"
        )
    return stripe.StripeClient(
        key.reveal(),
        stripe_version=API_VERSION,
        max_network_retries=RETRIES,
        http_client=_connections(),
        base_addresses={"api": api_base} if api_base else None,
    )


def _not_set_up(remedy: str) -> PaymentsUnavailable:
    """The error for the customer, to whom files and keys mean nothing; the remedy goes to the log."""
    log.error("stripe.not_set_up", remedy=remedy)
    return PaymentsUnavailable(NOT_SET_UP)


@cache
def _connections() -> stripe.HTTPClient:
    return stripe.RequestsClient(timeout=TIMEOUT_S)


def _parameters(scope: TenantScope, order: CheckoutOrder) -> Any:
    """https://docs.stripe.com/api/checkout/sessions/create"""
    try:
        amount = to_stripe(order.amount, order.currency)
    except InexactAmount:
        raise PaymentsUnavailable("The price cannot be collected in this currency.") from None
    # On both, so that events about either lead back to the payment.
    metadata = {"organisation_id": scope.organisation.id, "payment_id": str(order.payment_id)}
    price = {"currency": order.currency, "unit_amount": amount, "product_data": {"name": order.title}}
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "client_reference_id": str(order.payment_id),
        "customer_email": order.customer_email,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": f"{order.api_url}checkout/stripe/return?session_id={{CHECKOUT_SESSION_ID}}",
        "cancel_url": order.cancel_url,
    }


@contextmanager
def _translated(call: str) -> Iterator[None]:
    """Turn the SDK's errors into ours. Stripe's own words stay here: they may quote a key."""
    try:
        yield
    except stripe.StripeError as error:
        # A 409's code is in its body only.
        code = error.code or getattr(error.error, "code", None)
        log.warning(
            "stripe.call_failed",
            call=call,
            error=type(error).__name__,
            code=code,
            param=getattr(error, "param", None),
            status=error.http_status,
            stripe_request_id=error.request_id,
            remedy=_remedy(error.http_status, code),
        )
        if isinstance(error, REFUSALS):
            raise PaymentsUnavailable(REFUSED) from None
        raise Unavailable(NO_ANSWER) from None


def _remedy(status: int | None, code: str | None) -> str | None:
    return "check the organisation's keys" if status in (401, 403) else REMEDIES.get(code or "")
