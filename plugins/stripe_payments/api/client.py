"""Calls Stripe about checkouts, and connects `endpoints.client`: one connection pool a process, one client a call.

Clients are made anew for every call, which takes microseconds, so that a changed key counts at once and no
organisation's key can serve another.
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
"""To connect, and to wait for an answer."""

RETRIES = 2

MOST_CONNECTIONS = 64
"""So many connections are kept open, one for each of the server's threads; more are closed after their call."""

MOST_EVENTS = 10_000
"""So many events are fetched at once, the newest: a week of an account where nothing at all is delivered."""

# It would write a file under the home directory and send data about the machine.
stripe.enable_telemetry = False


ADDRESS_REFUSED = "email_invalid"
"""Stripe's code for an e-mail address that it does not take (https://docs.stripe.com/error-codes#email-invalid)."""

NO_ANSWER = "The payment provider does not answer."
REFUSED = "The payment provider did not take the order."
NOT_SHOWN = "Stripe does not let the organisation's key read this."
NOT_SET_UP = "Payments are not set up completely."

REMEDIES = {
    "amount_too_small": "raise the price: Stripe takes at least about 0.50 euros, or as much elsewhere"
}
"""What to do about Stripe's error codes, where the code is not enough."""

REFUND_REFUSALS = {
    "charge_already_refunded": "All of it has been refunded already.",
    "charge_disputed": "The payment is disputed: answer the dispute in Stripe's dashboard.",
    "insufficient_funds": "The account at Stripe has not enough money.",
}
"""Stripe's error codes of refunds, in words for staff."""

REFUSALS = (stripe.AuthenticationError, stripe.PermissionError, stripe.InvalidRequestError, stripe.CardError)


def create_session(
    scope: TenantScope, environment: Environment, payment_id: UUID, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Open a checkout session; twice for one payment, with the same parameters, is one session.

    The session expires when Stripe says so, after 24 hours. No purchase fails for its buyer's address: if Stripe refuses
    that, the session is opened without it, and the buyer gives one on Stripe's page.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; trying again may help.
        PaymentsUnavailable: Stripe does not take what we ask, or the settings do not let us ask.
    """
    key = f"checkout-{payment_id}"
    client = client_for(scope, environment)
    with _translated("checkout.sessions.create"):
        try:
            return _create_session(client, parameters, key)
        except stripe.InvalidRequestError as error:
            if error.code != ADDRESS_REFUSED or ADDRESS not in parameters:
                raise
        log.info("stripe.address_refused", payment_id=str(payment_id))
        without = {name: value for name, value in parameters.items() if name != ADDRESS}
        # Stripe takes no other parameters under the same key.
        return _create_session(client, without, f"{key}-without-address")


def _create_session(client: stripe.StripeClient, parameters: dict[str, Any], key: str) -> dict[str, Any]:
    # Not `client.v1`, which makes objects of the answer, of which three values are read.
    # Sorted, because the database keeps another order: a repetition under the same key sends the same bytes.
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
    """Close a checkout session, so that nobody can pay there any more. Errors as `retrieve_session`."""
    with _translated("checkout.sessions.expire"):
        client_for(scope, environment).v1.checkout.sessions.expire(session_id)


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


class NoSuchObject(Exception):
    """The account has no object of this id, or has it no more."""


def retrieve_object(scope: TenantScope, environment: Environment, reference: Reference) -> dict[str, Any]:
    """What an event is about, as it is now, in the pinned version.

    Raises:
        NoSuchObject: the account has none of this id.
        Unavailable: Stripe does not answer, or is too busy; trying again may help.
        PaymentsUnavailable: Stripe does not let the key read it, or the settings do not let us ask.
    """
    v1 = client_for(scope, environment).v1
    calls: dict[Kind, Callable[[str], Any]] = {
        "checkout.session": v1.checkout.sessions.retrieve,
        "refund": v1.refunds.retrieve,
        "dispute": v1.disputes.retrieve,
        "charge": v1.charges.retrieve,
        "payment_intent": v1.payment_intents.retrieve,
    }
    with _translated(f"{reference.kind}.retrieve", refused=_object_refused):
        found: dict[str, Any] = calls[reference.kind](reference.id).to_dict()
        return found


def create_refund(scope: TenantScope, order: RefundOrder, payment_intent_id: str) -> dict[str, Any]:
    """Give money back; twice for one order is one refund, as long as Stripe keeps the idempotency key.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; trying again may help.
        RefundRefused: Stripe does not give it back.
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
    with _translated("refunds.create", refused=_refund_refused):
        return (
            client_for(scope, order.environment).v1.refunds.create(params=params, options=options).to_dict()
        )


def list_refunds(
    scope: TenantScope, environment: Environment, payment_intent_id: str
) -> list[dict[str, Any]]:
    """All refunds of a payment intent. Errors as `retrieve_session`."""
    with _translated("refunds.list"):
        found = client_for(scope, environment).v1.refunds.list(
            {"payment_intent": payment_intent_id, "limit": 100}
        )
        return [refund.to_dict() for refund in found.auto_paging_iter()]


def list_disputes(
    scope: TenantScope, environment: Environment, payment_intent_id: str
) -> list[dict[str, Any]]:
    """All disputes about a payment intent. Errors as `retrieve_session`."""
    with _translated("disputes.list"):
        found = client_for(scope, environment).v1.disputes.list(
            {"payment_intent": payment_intent_id, "limit": 100}
        )
        return [dispute.to_dict() for dispute in found.auto_paging_iter()]


def list_undelivered_events(
    scope: TenantScope, environment: Environment, *, types: Collection[str], since: datetime
) -> list[dict[str, Any]]:
    """The account's events that some endpoint has not taken, newest first, at most `MOST_EVENTS`.

    Stripe keeps events for 30 days. Errors as `retrieve_session`.
    """
    wanted: Any = {
        "types": sorted(types),
        "delivery_success": False,
        "created": {"gte": int(since.timestamp())},
        "limit": 100,
    }
    with _translated("events.list"):
        found = client_for(scope, environment).v1.events.list(wanted)
        return [event.to_dict() for event in islice(found.auto_paging_iter(), MOST_EVENTS)]


def client_for(scope: TenantScope, environment: Environment) -> stripe.StripeClient:
    """A client with the organisation's key of an environment, for one call.

    Raises:
        ProviderNotSetUp: there is no key, or it is a live one while the server talks to the simulator.
        RestoredCopy: it is a live one, and the server a restored copy.
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
    """The error for the customer, to whom files and keys mean nothing; the remedy goes to the log."""
    log.error("stripe.not_set_up", remedy=remedy)
    return ProviderNotSetUp(NOT_SET_UP)


class _Connections(stripe.RequestsClient):
    """Tries again also when a connection ends in the middle of an answer, which the SDK does not count as a lost one.

    Every call has an idempotency key of ours or of the SDK's, so that what Stripe has done is not done twice.
    """

    def request(self, *arguments: Any, **options: Any) -> Any:
        """One attempt, as `stripe.RequestsClient` makes it."""
        try:
            return super().request(*arguments, **options)
        except stripe.APIConnectionError as error:
            error.should_retry |= isinstance(error.__cause__, requests.exceptions.ChunkedEncodingError)
            raise


class _Session(requests.Session):
    """Sends what the SDK asks for, and nothing of its own.

    A session of `requests` would look for a proxy and a netrc file in the environment on each call, keep cookies, which
    all organisations would share, and follow redirects. That costs as much as the call itself.
    """

    def request(  # type: ignore[override]
        self, method: str, url: str, *, headers: Any, data: Any, timeout: Any, verify: Any
    ) -> requests.Response:
        """One request, over a connection that is kept open."""
        prepared = requests.PreparedRequest()
        prepared.prepare(method=method, url=url, headers=headers, data=data)
        adapter = self.get_adapter(url)
        return adapter.send(prepared, timeout=timeout, verify=verify, proxies=self.proxies)


@cache
def _connections(api_base: str) -> stripe.HTTPClient:
    """The connections of this process to Stripe, or to what stands in for it.

    Args:
        api_base: the URL that is called.
    """
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
def _translated(call: str, refused: Callable[[str | None], Exception] = _order_refused) -> Iterator[None]:
    """Turn the SDK's errors into ours. Stripe's own words stay here: they may quote a key.

    Args:
        refused: makes the error for what Stripe does not take, of Stripe's code for it.
    """
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
            raise refused(code) from None
        raise Unavailable(NO_ANSWER) from None


def _remedy(status: int | None, code: str | None) -> str | None:
    return "check the organisation's keys" if status in (401, 403) else REMEDIES.get(code or "")
