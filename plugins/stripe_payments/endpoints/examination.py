"""The calls of a check, and their findings. This module imports Stripe's SDK, so `doctor` imports it late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from autonomy_core.plugin_api.catalog import Product, ProductPrice
from autonomy_core.plugin_api.checks import Finding, as_far_as_found
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import UNKNOWN, count_deliveries
from stripe_payments.endpoints import client, diagnosis
from stripe_payments.endpoints.addresses import objection_to, organisation_in
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN, SOURCE, Keys, key_name


def examine_environment(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    """Compare one environment with Stripe."""
    if keys.environment == "live" and scope.server_settings(PLUGIN).get("api_base"):
        # If the organisation sells in live, `check_environment` reports it.
        if scope.settings(PLUGIN)["environment"] != "live":
            yield Finding("simulated", "info", "the server talks to the simulator: nothing was checked")
        return

    looks = {
        "the account": _check_account,
        "the clock": _check_clock,
        "the newest checkout": _check_newest_session,
        "the currencies": _check_currencies,
        "the endpoint": _check_endpoint,
        "the events": _check_events,
        "the balance": _check_balance,
    }
    for name, look in looks.items():
        # Without a secret the organisation does not sell in this environment and needs no endpoint.
        if keys.webhook_secret is None and look not in (_check_account, _check_clock, _check_newest_session):
            continue
        try:
            yield from as_far_as_found(name, look(scope, keys), passing=(client.StripeCallFailed,))
        except client.StripeCallFailed as error:
            yield _failure(error.reason, error.message, keys)
            # All further calls would fail as well.
            if error.reason in ("key_refused", "unreachable"):
                break
    if keys.webhook_secret is not None:
        yield from as_far_as_found("the deliveries", _check_deliveries(scope, keys))


def _failure(reason: str, message: str, keys: Keys) -> Finding:
    key = key_name(keys.environment, "secret_key")
    if reason == "key_refused":
        return Finding(
            reason, "error", f"{message} at {key}", "copy it again from the dashboard: Developers, API keys"
        )
    if reason == "not_permitted":
        remedy = f"allow the restricted key at {key} to read it, or ignore this"
        return Finding(reason, "warning", message, remedy)
    if reason == "unreachable":
        return Finding(
            "stripe_unreachable", "error", message, "try again later, or see https://status.stripe.com"
        )
    return Finding("stripe_refused", "error", message, "see the request in the dashboard: Developers, Logs")


def _check_account(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    account = client.retrieve_account(scope, keys.environment)
    yield Finding("account", "info", f"the key opens {account.id}")


def _check_clock(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    stripe_time = client.retrieve_account(scope, keys.environment).stripe_time
    yield from diagnosis.about_clock(datetime.now(UTC), stripe_time)


def _check_newest_session(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    newest = _newest_session(scope, keys)
    if newest and not client.has_session(scope, keys.environment, newest):
        message = "the account does not have the newest checkout: it is another account"
        remedy = "give a key of the account that earlier payments were made with, or they cannot be looked up"
        yield Finding("account_differs", "error", message, remedy)


def _check_currencies(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    account = client.retrieve_account(scope, keys.environment)
    taken = client.list_currencies(scope, keys.environment, account.country)
    with scope.begin() as own:
        priced = select(Product.currency).where(Product.active, Product.amount > 0).distinct()
        others = select(ProductPrice.currency).where(ProductPrice.amount > 0).distinct()
        sold = {*own.session.scalars(priced), *own.session.scalars(others)}
    yield from diagnosis.about_currencies(account.id, taken, scope.organisation.currency, sold)


def _newest_session(scope: TenantScope, keys: Keys) -> str | None:
    of_environment = (StripePayment.organisation_id == scope.organisation.id) & (
        StripePayment.environment == keys.environment
    )
    opened = select(StripePayment.session_id).where(of_environment, StripePayment.session_id.is_not(None))
    # In a separate transaction, so that no connection is held while Stripe answers.
    with scope.begin() as own:
        return own.session.scalar(opened.order_by(StripePayment.payment_id.desc()).limit(1))


def _check_endpoint(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    known = client.list_endpoints(scope, keys.environment)
    named = [each for each in known if each.id == keys.webhook_endpoint_id]
    own = named or [each for each in known if organisation_in(each.url) == scope.organisation.id]
    if keys.webhook_endpoint_id and not named:
        message = f"the account has no endpoint {keys.webhook_endpoint_id}"
        yield Finding("endpoint_missing", "error", message, diagnosis.ROTATE)
    elif not own:
        message, remedy = "the account has no endpoint for this organisation", diagnosis.ROTATE
        yield Finding("endpoint_missing", "error", message, remedy)
    elif not named and len(own) > 1:
        key = key_name(keys.environment, "webhook_endpoint_id")
        message = (
            f"the account has {len(own)} endpoints for this organisation, and only one can have its secret"
        )
        yield Finding("endpoint_ambiguous", "warning", message, f"set {key}, and remove the others")
    for endpoint in own:
        yield from diagnosis.about_endpoint(endpoint, objection_to(scope, keys.environment, endpoint.url))
    if keys.previous_webhook_secret is not None:
        message, remedy = "the rotation of the secret is not finished", diagnosis.ROTATE
        yield Finding("rotation_unfinished", "warning", message, remedy)


def _check_events(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    yield from diagnosis.about_events(client.list_event_statuses(scope, keys.environment), datetime.now(UTC))


def _check_balance(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    try:
        client.read_balance(scope, keys.environment)
    except client.StripeCallFailed as error:
        if error.reason != "not_permitted":
            raise
        yield diagnosis.about_fees(key_name(keys.environment, "secret_key"))


def _check_deliveries(scope: TenantScope, keys: Keys) -> Iterator[Finding]:
    has_payments = _newest_session(scope, keys) is not None
    with scope.begin() as own:
        record, refused = (
            count_deliveries(own, SOURCE, each, days=diagnosis.DAYS) for each in (keys.environment, UNKNOWN)
        )
    yield from diagnosis.about_deliveries(record, refused, has_payments=has_payments)
