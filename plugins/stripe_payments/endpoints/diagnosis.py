"""The findings from Stripe's data about an endpoint, the clock and deliveries. Pure functions without calls.

Source: https://docs.stripe.com/api/webhook_endpoints/object and https://docs.stripe.com/webhooks/signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from autonomy_core.plugin_api.checks import Finding, Severity
from autonomy_core.plugin_api.webhooks import DeliveryCounts
from stripe_payments.api.client import API_VERSION
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.endpoints.client import Endpoint, EventStatus
from stripe_payments.events.verification import TOLERANCE_S

ROTATE = "run: autonomy stripe webhook rotate {organisation}"

DRIFT_S = 60
"""A clock that differs by more is reported; beyond `TOLERANCE_S` every signature is refused."""

DAYS = 7
"""How many days of deliveries are evaluated."""

SHARE_OF_REFUSALS = 0.1

UNDERWAY = timedelta(minutes=10)
"""A younger event may still be in delivery."""

RETRIED_FOR = timedelta(days=3)
"""Stripe does not retry an older event."""


def about_endpoint(endpoint: Endpoint, objection: str | None) -> Iterator[Finding]:
    """Check an endpoint.

    Args:
        endpoint: the endpoint.
        objection: the problem of its URL, see `addresses.objection_to`.
    """
    if endpoint.status != "enabled":
        message = f"{endpoint.id} is {endpoint.status}: Stripe delivers nothing"
        yield Finding("endpoint_disabled", "error", message, "enable it in Stripe's dashboard")
    if objection:
        remedy = "correct the address in the dashboard, or declare the host in hosts or autonomy.hosts"
        yield Finding("endpoint_url", "error", f"{endpoint.id} posts to {endpoint.url}: {objection}", remedy)
    missing = sorted(HANDLED_EVENTS - endpoint.events)
    if missing and "*" not in endpoint.events:
        message = f"{endpoint.id} does not receive {', '.join(missing)}"
        yield Finding("endpoint_events", "error", message, f"add them in the dashboard, or {ROTATE}")
    if endpoint.api_version != API_VERSION and not endpoint.thin:
        version = endpoint.api_version or "the account's version"
        message = f"{endpoint.id} sends events of {version}, not of {API_VERSION}"
        yield Finding("endpoint_version", "error", message, ROTATE)


def about_currencies(account: str, taken: frozenset[str], own: str, sold: Iterable[str]) -> Iterator[Finding]:
    """Check that the account accepts the currencies of an organisation.

    Args:
        account: the account's id.
        taken: the currencies that the account accepts.
        own: the organisation's currency, the default of new products.
        sold: the currencies of products that are for sale.
    """
    remedy = "use another currency: the account's country determines the accepted ones"
    for currency in sorted(set(sold) - taken):
        message = f"products are priced in {currency}, which {account} does not accept: they cannot be bought"
        yield Finding("currency_not_taken", "error", message, remedy)
    if own not in taken and own not in sold:
        message = f"new products are priced in {own}, which {account} does not accept"
        yield Finding("currency_not_taken", "warning", message, remedy)


def about_clock(ours: datetime, stripes: datetime | None) -> Iterator[Finding]:
    """Report a difference of the clocks. Stripe's time has whole seconds."""
    skew = abs((ours - stripes).total_seconds()) if stripes else 0
    if skew > DRIFT_S:
        severity: Severity = "error" if skew > TOLERANCE_S else "warning"
        message = f"this machine's clock differs from Stripe's by {skew:.0f} seconds"
        yield Finding("clock_skew", severity, message, "set the clock; signatures are refused from 300 on")


def about_events(events: Iterable[EventStatus], now: datetime) -> Iterator[Finding]:
    """Report undelivered events. Only Stripe provides this data, so it is reliable."""
    old_enough = [each for each in events if UNDERWAY < now - each.created_at < RETRIED_FOR]
    failing = [each for each in old_enough if not each.delivered]
    if failing:
        message = f"Stripe could not deliver {len(failing)} of the last {len(old_enough)} events"
        remedy = "see the answers in the dashboard: Developers, Webhooks; 400 is a wrong secret"
        yield Finding("deliveries_failing", "warning", message, remedy)


def about_fees(key: str) -> Finding:
    """Report that the key may not read the balance.

    Args:
        key: the key of the ini file that holds it.
    """
    message = "the key may not read the changes of the balance: fees and net of payments stay unknown"
    remedy = (
        f"allow the restricted key at {key} to read Balance, Balance Transaction Sources, Charges and "
        "Refunds, and Disputes"
    )
    return Finding("fees_unknown", "warning", message, remedy)


def about_deliveries(
    record: DeliveryCounts, refused: DeliveryCounts, *, has_payments: bool
) -> Iterator[Finding]:
    """Report the last delivery, and the share of refused signatures.

    Args:
        record: the counts of the environment.
        refused: the counts of deliveries that no secret verified; any sender can cause them.
        has_payments: whether there should have been deliveries.
    """
    if record.last_verified_at:
        message = f"last delivery {_shown(record.last_verified_at)}; {record.verified} in {DAYS} days"
        yield Finding("deliveries", "info", message)
    elif has_payments:
        message, remedy = (
            "no delivery with a valid signature was received",
            "see the endpoint's deliveries in the dashboard",
        )
        yield Finding("no_delivery", "warning", message, remedy)
    total = record.verified + refused.refused
    if total and refused.refused / total > SHARE_OF_REFUSALS:
        share = f"{refused.refused} of {total} signatures were refused in {DAYS} days"
        remedy = (
            "compare the secret with the dashboard's; if Stripe has no failed deliveries there, they came "
            "from another sender"
        )
        yield Finding("signatures_refused", "warning", share, remedy)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
