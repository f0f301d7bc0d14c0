"""API calls about an account and its webhook endpoints, for the command line: paced, with errors for admins.

Source: https://docs.stripe.com/api/webhook_endpoints.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import stripe

from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Secret
from stripe_payments.api.client import API_VERSION, client_for
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.events.envelopes import THIN_OF_V1

CALLS_PER_SECOND = 20
"""The rate of this process. Stripe allows 25 per account in a sandbox (https://docs.stripe.com/rate-limits).
Which organisations share an account is not known before their accounts are retrieved."""

OURS = {"made_by": "autonomy-server"}
"""The metadata of the endpoints that this software creates."""

THIN_ID, ADDRESS = "ed_", "webhook_endpoint.url"
"""The prefix of an endpoint id for thin events, and the member that is returned only on request."""

NO_LIVE = "stripe_payments.api_base in the server's ini file points at the simulator, which has no live mode"

Reason = Literal["key_refused", "not_permitted", "missing", "refused", "unreachable"]


class StripeCallFailed(Exception):
    """A call to Stripe failed.

    Attributes:
        reason: the kind of failure.
        message: a text for admins. It does not quote Stripe's text, which may contain a key.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its id, its country, and the time at Stripe when it was retrieved.

    ``country`` has two letters (ISO 3166).
    """

    id: str
    country: str
    stripe_time: datetime | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook endpoint. ``ours``: this software created it. ``thin``: it receives thin events."""

    id: str
    url: str
    status: str
    events: frozenset[str]
    api_version: str | None
    created_at: datetime
    ours: bool
    thin: bool = False


@dataclass(frozen=True, slots=True)
class EventStatus:
    """Whether an event was delivered to all its endpoints."""

    created_at: datetime
    delivered: bool


class Pace:
    """Limits the rate of calls across threads."""

    def __init__(self, per_second: float) -> None:
        self._pause = 1 / per_second
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait until the next call is allowed."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._pause
        time.sleep(turn - now)


_pace = Pace(CALLS_PER_SECOND)


def retrieve_account(scope: TenantScope, environment: Environment) -> Account:
    """Retrieve the account of the key.

    Raises:
        StripeCallFailed: as for every function in this module.
    """
    with _calling_stripe(scope, environment, "account") as client:
        account = client.v1.accounts.retrieve_current()
    response = account.last_response
    return Account(account.id, account.country or "", _date(response.headers if response is not None else {}))


def list_currencies(scope: TenantScope, environment: Environment, country: str) -> frozenset[str]:
    """List the currencies in which accounts of a country accept payments.

    Source: https://docs.stripe.com/api/country_specs/object#country_spec_object-supported_payment_currencies.
    """
    with _calling_stripe(scope, environment, "country_specs.retrieve") as client:
        return frozenset(client.v1.country_specs.retrieve(country).supported_payment_currencies)


def list_endpoints(scope: TenantScope, environment: Environment) -> list[Endpoint]:
    """List every endpoint of the account; there are few."""
    with _calling_stripe(scope, environment, "webhook_endpoints.list") as client:
        page = client.v1.webhook_endpoints.list(params={"limit": 100})
        snapshots = [_endpoint(each) for each in page.auto_paging_iter()]
    return [*snapshots, *_list_thin(scope, environment)]


def _list_thin(scope: TenantScope, environment: Environment) -> list[Endpoint]:
    """List the endpoints for thin events; none if the account or a restricted key does not support them."""
    try:
        with _calling_stripe(scope, environment, "event_destinations.list") as client:
            page = client.v2.core.event_destinations.list({"include": [ADDRESS], "limit": 100})
            found = list(page.auto_paging_iter())
    except StripeCallFailed as error:
        if error.reason in ("missing", "refused", "not_permitted"):
            return []
        raise
    return [_destination(each) for each in found if each.event_payload == "thin" and each.webhook_endpoint]


def retrieve_endpoint(scope: TenantScope, environment: Environment, endpoint_id: str) -> Endpoint | None:
    """Retrieve an endpoint; None if the account has none with this id."""
    try:
        if endpoint_id.startswith(THIN_ID):
            with _calling_stripe(scope, environment, "event_destinations.retrieve") as client:
                wanted: Any = {"include": [ADDRESS]}
                return _destination(client.v2.core.event_destinations.retrieve(endpoint_id, wanted))
        with _calling_stripe(scope, environment, "webhook_endpoints.retrieve") as client:
            return _endpoint(client.v1.webhook_endpoints.retrieve(endpoint_id))
    except StripeCallFailed as error:
        if error.reason == "missing":
            return None
        raise


def create_endpoint(
    scope: TenantScope, environment: Environment, url: str, *, thin: bool = False
) -> tuple[Endpoint, Secret]:
    """Create an endpoint with the pinned version and the handled events. Only this call returns its secret.

    Args:
        scope: the scope of the organisation.
        environment: the environment of the key.
        url: the endpoint's URL.
        thin: whether it receives thin events, which have no version. Not every account supports them.
    """
    if thin:
        return _create_thin(scope, environment, url)
    params: Any = {
        "url": url,
        "enabled_events": sorted(HANDLED_EVENTS),
        "api_version": API_VERSION,
        "metadata": OURS,
    }
    with _calling_stripe(scope, environment, "webhook_endpoints.create") as client:
        made = client.v1.webhook_endpoints.create(params=params)
        return _endpoint(made), Secret(str(made.secret))


def _create_thin(scope: TenantScope, environment: Environment, url: str) -> tuple[Endpoint, Secret]:
    params: Any = {
        "name": "Autonomy Server",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": sorted(f"{THIN_OF_V1}{name}" for name in HANDLED_EVENTS),
        "webhook_endpoint": {"url": url},
        "include": [ADDRESS, "webhook_endpoint.signing_secret"],
        "metadata": OURS,
    }
    try:
        with _calling_stripe(scope, environment, "event_destinations.create") as client:
            made = client.v2.core.event_destinations.create(params)
            receiver: Any = made.webhook_endpoint
            return _destination(made), Secret(str(receiver.signing_secret))
    except StripeCallFailed as error:
        if error.reason in ("missing", "refused", "not_permitted"):
            problem = f"{error.message}: the account or the key may not support thin events; leave out --thin"
            raise StripeCallFailed(error.reason, problem) from None
        raise


def delete_endpoint(scope: TenantScope, environment: Environment, endpoint_id: str) -> bool:
    """Delete an endpoint with its pending deliveries; return False if there was none with this id."""
    try:
        with _calling_stripe(scope, environment, "webhook_endpoints.delete") as client:
            if endpoint_id.startswith(THIN_ID):
                client.v2.core.event_destinations.delete(endpoint_id)
            else:
                client.v1.webhook_endpoints.delete(endpoint_id)
    except StripeCallFailed as error:
        if error.reason == "missing":
            return False
        raise
    return True


def list_event_statuses(scope: TenantScope, environment: Environment) -> list[EventStatus]:
    """List the account's newest events, at most a hundred."""
    with _calling_stripe(scope, environment, "events.list") as client:
        page = client.v1.events.list(params={"limit": 100})
        return [EventStatus(_time(each.created), delivered=not each.pending_webhooks) for each in page.data]


def read_balance(scope: TenantScope, environment: Environment) -> None:
    """Read the newest change of the balance and what it belongs to, as the job does that records fees."""
    with _calling_stripe(scope, environment, "balance_transactions.list") as client:
        client.v1.balance_transactions.list({"limit": 1, "expand": ["data.source"]})


def has_session(scope: TenantScope, environment: Environment, session_id: str) -> bool:
    """Return whether the account has a checkout session."""
    try:
        with _calling_stripe(scope, environment, "checkout.sessions.retrieve") as client:
            client.v1.checkout.sessions.retrieve(session_id)
    except StripeCallFailed as error:
        if error.reason == "missing":
            return False
        raise
    return True


@contextmanager
def _calling_stripe(scope: TenantScope, environment: Environment, call: str) -> Iterator[stripe.StripeClient]:
    """Yield a client at the allowed rate, and translate its errors."""
    _pace.wait()
    try:
        yield client_for(scope, environment)
    except PaymentsUnavailable:
        raise StripeCallFailed("refused", NO_LIVE) from None
    except stripe.AuthenticationError:
        raise StripeCallFailed("key_refused", "Stripe does not accept the key") from None
    except stripe.PermissionError:
        raise StripeCallFailed("not_permitted", f"the key may not do this: {call}") from None
    except stripe.InvalidRequestError as error:
        if error.http_status == 404 or error.code == "resource_missing":
            raise StripeCallFailed("missing", f"Stripe has no such object: {call}") from None
        about = ", ".join(str(each) for each in (error.code, error.param, error.request_id) if each)
        raise StripeCallFailed("refused", f"Stripe refused {call} ({about or error.http_status})") from None
    except stripe.StripeError as error:
        kind = f"{type(error).__name__}, {error.http_status or 'no answer'}"
        raise StripeCallFailed("unreachable", f"Stripe does not answer {call} ({kind})") from None


def _endpoint(found: Any) -> Endpoint:
    metadata = found.metadata.to_dict() if found.metadata else {}
    return Endpoint(
        id=found.id,
        url=found.url,
        status=found.status,
        events=frozenset(found.enabled_events),
        api_version=found.api_version,
        created_at=_time(found.created),
        ours=OURS.items() <= metadata.items(),
    )


def _destination(found: Any) -> Endpoint:
    metadata = found.metadata.to_dict() if found.metadata else {}
    return Endpoint(
        id=found.id,
        url=found.webhook_endpoint.url or "",
        status=found.status,
        events=frozenset(name.removeprefix(THIN_OF_V1) for name in found.enabled_events),
        api_version=None,
        created_at=datetime.fromisoformat(found.created),
        ours=OURS.items() <= metadata.items(),
        thin=True,
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _date(headers: Any) -> datetime | None:
    """Return the time of a response; None if it has no valid one.

    ``-0000`` means UTC as well (RFC 5322, 3.3).
    """
    try:
        sent_at = parsedate_to_datetime(headers["Date"])
        return sent_at.replace(tzinfo=UTC) if sent_at.tzinfo is None else sent_at.astimezone(UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
