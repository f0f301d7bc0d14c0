"""Calls Stripe about checkouts, and connects `endpoints.client`.

Each process has one connection pool, and each call its own client. A new client for every call takes
microseconds. So a changed key applies immediately, and no key of one organisation is used for another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any
from uuid import UUID

import requests
import stripe
import structlog

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.payments import (
    Environment,
    PaymentsUnavailable,
    ProviderNotSetUp,
    RefundRefused,
    refuse_on_copy,
)
from autonomy_core.plugin_api.protocols import RefundOrder
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.amounts import to_stripe
from stripe_payments.api.references import Kind, Reference
from stripe_payments.api.versions import API_VERSION
from stripe_payments.api.words import ADDRESS, metadata_of_items
from stripe_payments.settings import PLUGIN, key_name, keys_of

log = structlog.get_logger(__name__)

TIMEOUT_S = (3.05, 20)
"""Seconds to connect, and to wait for a response."""

RETRIES = 2

MOST_CONNECTIONS = 64
"""The number of connections that stay open after a call, one for each of the server's threads."""

MOST_EVENTS = 10_000
"""The maximum number of events fetched at once, newest first: a week of an account without any delivery."""

# Telemetry would write a file to the home directory and send data about the machine.
stripe.enable_telemetry = False


ADDRESS_REFUSED = "email_invalid"
"""Stripe's code for a refused e-mail address (https://docs.stripe.com/error-codes#email-invalid)."""

NO_ANSWER = "The payment provider does not answer."
REFUSED = "The payment provider did not take the order."
NOT_SHOWN = "Stripe does not let the organisation's key read this."
NOT_SET_UP = "Payments are not set up completely."

REMEDIES = {
    "amount_too_small": "raise the price: Stripe takes at least about 0.50 euros, or as much elsewhere"
}
"""Remedies for some of Stripe's error codes."""

REFUND_REFUSALS = {
    "charge_already_refunded": "All of it has been refunded already.",
    "charge_disputed": "The payment is disputed: answer the dispute in Stripe's dashboard.",
    "insufficient_funds": "The account at Stripe has not enough money.",
}
"""Stripe's error codes of refunds, as texts for staff."""

REFUSALS = (stripe.AuthenticationError, stripe.PermissionError, stripe.InvalidRequestError, stripe.CardError)


def create_session(
    scope: TenantScope, environment: Environment, payment_id: UUID, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Create a checkout session.

    A repetition for the same payment, with the same parameters, returns the same session. Stripe expires the
    session after 24 hours. A purchase must not fail because of the buyer's address: if Stripe refuses the
    address, the session is created without it, and the buyer enters one on Stripe's page.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; a retry may help.
        PaymentsUnavailable: Stripe refuses the parameters, or the settings are incomplete.
    """
    key = f"checkout-{payment_id}"
    client = client_for(scope, environment)
    with translated("checkout.sessions.create"):
        try:
            return _create_session(client, parameters, key)
        except stripe.InvalidRequestError as error:
            if error.code != ADDRESS_REFUSED or ADDRESS not in parameters:
                raise
        log.info("stripe.address_refused", payment_id=str(payment_id))
        without = {name: value for name, value in parameters.items() if name != ADDRESS}
        # Stripe requires a new key for other parameters.
        return _create_session(client, without, f"{key}-without-address")


def _create_session(client: stripe.StripeClient, parameters: dict[str, Any], key: str) -> dict[str, Any]:
    # Not `client.v1`, which creates objects for the whole response, of which three values are read. Sorted,
    # because the database stores another order: a retry under the same key must send the same bytes.
    parameters = _sorted_by_name(parameters)
    answer = client.raw_request("post", "/v1/checkout/sessions", **parameters, idempotency_key=key)
    found: dict[str, Any] = answer.data
    return found


def _sorted_by_name(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted_by_name(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted_by_name(item) for item in value]
    return value


def expire_session(scope: TenantScope, environment: Environment, session_id: str) -> None:
    """Expire a checkout session, so that it cannot be paid any more. Errors as for `retrieve_session`."""
    with translated("checkout.sessions.expire"):
        client_for(scope, environment).v1.checkout.sessions.expire(session_id)


def retrieve_session(scope: TenantScope, environment: Environment, session_id: str) -> dict[str, Any]:
    """Retrieve a checkout session with its payment intent.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; a retry may help.
        PaymentsUnavailable: Stripe refuses the call, or the settings are incomplete.
    """
    client = client_for(scope, environment)
    with translated("checkout.sessions.retrieve"):
        session = client.v1.checkout.sessions.retrieve(session_id, params={"expand": ["payment_intent"]})
        return session.to_dict()


class NoSuchObject(Exception):
    """The account has no object with this id."""


def retrieve_object(scope: TenantScope, environment: Environment, reference: Reference) -> dict[str, Any]:
    """Retrieve the object of an event in its current state, in the pinned version.

    Raises:
        NoSuchObject: the account has no object with this id.
        Unavailable: Stripe does not answer, or is too busy; a retry may help.
        PaymentsUnavailable: the key may not read it, or the settings are incomplete.
    """
    v1 = client_for(scope, environment).v1
    calls: dict[Kind, Callable[[str], Any]] = {
        "checkout.session": v1.checkout.sessions.retrieve,
        "refund": v1.refunds.retrieve,
        "dispute": v1.disputes.retrieve,
        "charge": v1.charges.retrieve,
        "payment_intent": v1.payment_intents.retrieve,
    }
    with translated(f"{reference.kind}.retrieve", refused=_object_refused):
        found: dict[str, Any] = calls[reference.kind](reference.id).to_dict()
        return found


def create_refund(scope: TenantScope, order: RefundOrder, payment_intent_id: str) -> dict[str, Any]:
    """Create a refund.

    A repetition for the same order returns the same refund while Stripe keeps the idempotency key.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; a retry may help.
        RefundRefused: Stripe refuses the refund.
    """
    metadata = {
        "organisation_id": scope.organisation.id,
        "payment_id": str(order.payment_id),
        "refund_id": str(order.refund_id),
        **metadata_of_items(order.items),
    }
    amount = to_stripe(order.amount, order.currency)
    params: Any = {"payment_intent": payment_intent_id, "amount": amount, "metadata": metadata}
    options: Any = {"idempotency_key": f"refund-{order.refund_id}"}
    with translated("refunds.create", refused=_refund_refused):
        return (
            client_for(scope, order.environment).v1.refunds.create(params=params, options=options).to_dict()
        )


def list_refunds(
    scope: TenantScope, environment: Environment, payment_intent_id: str
) -> list[dict[str, Any]]:
    """List all refunds of a payment intent. Errors as for `retrieve_session`."""
    with translated("refunds.list"):
        found = client_for(scope, environment).v1.refunds.list(
            {"payment_intent": payment_intent_id, "limit": 100}
        )
        return [refund.to_dict() for refund in found.auto_paging_iter()]


def list_disputes(
    scope: TenantScope, environment: Environment, payment_intent_id: str
) -> list[dict[str, Any]]:
    """List all disputes about a payment intent. Errors as for `retrieve_session`."""
    with translated("disputes.list"):
        found = client_for(scope, environment).v1.disputes.list(
            {"payment_intent": payment_intent_id, "limit": 100}
        )
        return [dispute.to_dict() for dispute in found.auto_paging_iter()]


def list_undelivered_events(
    scope: TenantScope, environment: Environment, *, types: Collection[str], since: datetime
) -> list[dict[str, Any]]:
    """List the account's events that some endpoint has not received, newest first, at most `MOST_EVENTS`.

    Stripe keeps events for 30 days. Errors as for `retrieve_session`.
    """
    wanted: Any = {
        "types": sorted(types),
        "delivery_success": False,
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
    }
    with translated("events.list"):
        found = client_for(scope, environment).v1.events.list(wanted)
        return [event.to_dict() for event in islice(found.auto_paging_iter(), MOST_EVENTS)]


def client_for(scope: TenantScope, environment: Environment) -> stripe.StripeClient:
    """Return a client with the organisation's key of an environment, for one call.

    Raises:
        ProviderNotSetUp: there is no key, or a live key while the server uses the simulator.
        RestoredCopy: the key is live, and the server is a restored copy.
    """
    refuse_on_copy(scope, environment)
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
        http_client=_connections(api_base or stripe.DEFAULT_API_BASE),
        base_addresses={"api": api_base} if api_base else None,
    )


def _not_set_up(remedy: str) -> ProviderNotSetUp:
    """Return the error for the customer without details.

    The remedy, which names files and keys, is logged.
    """
    log.error("stripe.not_set_up", remedy=remedy)
    return ProviderNotSetUp(NOT_SET_UP)


class _Connections(stripe.RequestsClient):
    """Also retries if a connection ends within a response, which the SDK does not treat as a lost connection.

    Every call has an idempotency key, ours or the SDK's, so Stripe does nothing twice.
    """

    def request(self, *arguments: Any, **options: Any) -> Any:
        """Make one attempt, as `stripe.RequestsClient` does."""
        try:
            return super().request(*arguments, **options)
        except stripe.APIConnectionError as error:
            error.should_retry |= isinstance(error.__cause__, requests.exceptions.ChunkedEncodingError)
            raise


class _Session(requests.Session):
    """Sends the SDK's requests without the features of `requests.Session`.

    For each call a `requests.Session` would read proxies and a netrc file from the environment, store
    cookies, which all organisations would share, and follow redirects. That costs as much as the call itself.
    """

    def request(  # type: ignore[override]
        self, method: str, url: str, *, headers: Any, data: Any, timeout: Any, verify: Any
    ) -> requests.Response:
        """Send one request over a connection that stays open."""
        prepared = requests.PreparedRequest()
        prepared.prepare(method=method, url=url, headers=headers, data=data)
        adapter = self.get_adapter(url)
        return adapter.send(prepared, timeout=timeout, verify=verify, proxies=self.proxies)


@cache
def _connections(api_base: str) -> stripe.HTTPClient:
    """Return the process's connections to an API: Stripe's or the simulator's."""
    session = _Session()
    session.proxies.update(requests.utils.get_environ_proxies(api_base))
    adapter = requests.adapters.HTTPAdapter(pool_maxsize=MOST_CONNECTIONS)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return _Connections(timeout=TIMEOUT_S, session=session)


def _order_refused(code: str | None) -> PaymentsUnavailable:
    return PaymentsUnavailable(REFUSED)


def _object_refused(code: str | None) -> Exception:
    return NoSuchObject() if code == "resource_missing" else PaymentsUnavailable(NOT_SHOWN)


def _refund_refused(code: str | None) -> RefundRefused:
    return RefundRefused(REFUND_REFUSALS.get(code or "", "Stripe does not give this money back."))


@contextmanager
def translated(call: str, refused: Callable[[str | None], Exception] = _order_refused) -> Iterator[None]:
    """Translate the SDK's errors. Stripe's own texts are dropped, because they may quote a key.

    Args:
        call: the name of the call, for the log.
        refused: creates the error for a refused call, from Stripe's error code.
    """
    try:
        yield
    except stripe.StripeError as error:
        # The code of a 409 is only in its body.
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
            raise refused(code) from None
        raise Unavailable(NO_ANSWER) from None


def _remedy(status: int | None, code: str | None) -> str | None:
    return "check the organisation's keys" if status in (401, 403) else REMEDIES.get(code or "")
