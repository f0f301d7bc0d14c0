"""Use cases of payments: to buy, and to look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, select

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import require_for_sale
from autonomy_core.customers.services import find_customer
from autonomy_core.db.base import uuid7
from autonomy_core.errors import Conflict, InvalidInput, NotAuthenticated, Unavailable
from autonomy_core.grants.services import owns
from autonomy_core.payments.domain import Environment, PaymentStatus, Settlement
from autonomy_core.payments.models import Payment
from autonomy_core.payments.settlement import settle
from autonomy_core.plugin_api.protocols import Checkout, CheckoutOrder, PaymentProvider
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.tenancy.hosts import host_keys

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
"""A developer's own machine: pages there are taken when the API is called there."""


class AlreadyOwned(Conflict):
    """The customer has this product; nobody pays twice for it by accident."""

    code, title = "already_owned", "You own this product already"


class PaymentsUnavailable(Unavailable):
    """The organisation has enabled no plugin that collects money."""

    code, title = "payments_unavailable", "This organisation cannot take payments now"


class ForeignReturnUrl(InvalidInput):
    """A buyer is sent back to the organisation's own hosts only."""

    code, title = "foreign_return_url", "The return URL is not on one of the organisation's hosts"


def provider_for(scope: TenantScope) -> PaymentProvider:
    """The provider that takes the organisation's payments.

    Raises:
        PaymentsUnavailable: there is none.
    """
    provider = scope.runtime.payment_provider_for(scope.organisation)
    if provider is None:
        raise PaymentsUnavailable
    return provider


def open_payment(
    scope: TenantScope,
    customer_id: UUID,
    product: Product,
    *,
    success_url: str,
    cancel_url: str,
    api_url: str,
) -> tuple[Payment, CheckoutOrder]:
    """Make the payment and the provider's row of it. Commit before the provider is called.

    Args:
        customer_id: who buys.
        success_url, cancel_url: where the buyer goes afterwards; see `check_return_url`.
        api_url: the address of the organisation's API, with a slash at the end.

    Raises:
        AlreadyOwned, NotForSale, PaymentsUnavailable, ForeignReturnUrl
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        raise NotAuthenticated
    provider = provider_for(scope)
    for url in (api_url, success_url, cancel_url):
        check_return_url(scope, url, api_url)
    require_for_sale(scope, product)
    environment = provider.environment(scope.organisation)
    if owns(scope, customer_id, product.id, environment):
        raise AlreadyOwned
    payment = _add_payment(scope, customer_id, product, provider.name, environment)
    order = CheckoutOrder(
        payment_id=payment.id,
        product_id=product.id,
        customer_id=customer_id,
        title=product.title,
        amount=payment.amount,
        currency=payment.currency,
        environment=environment,
        customer_email=customer.email,
        success_url=success_url,
        cancel_url=cancel_url,
        api_url=api_url,
    )
    provider.prepare(scope, order)
    return payment, order


def _add_payment(
    scope: TenantScope, customer_id: UUID, product: Product, provider: str, environment: Environment
) -> Payment:
    payment = Payment(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer_id,
        product_id=product.id,
        provider=provider,
        environment=environment,
        status=PaymentStatus.PENDING,
        amount=product.amount,
        currency=product.currency,
    )
    scope.session.add(payment)
    scope.session.flush()
    return payment


def begin_checkout(scope: TenantScope, order: CheckoutOrder) -> Checkout:
    """Ask the provider for a page to pay on. No transaction may be open that holds anything.

    Raises:
        Unavailable: the provider does not answer; the payment stays pending.
    """
    return provider_for(scope).begin_checkout(scope, order)


def attach_checkout(scope: TenantScope, order: CheckoutOrder, checkout: Checkout) -> None:
    """Record the page that the provider has opened."""
    provider_for(scope).attach(scope, order, checkout)


def fail_payment(scope: TenantScope, order: CheckoutOrder, reason: str) -> Payment:
    """Record that no checkout could be opened."""
    settlement = Settlement(
        payment_id=order.payment_id,
        status=PaymentStatus.FAILED,
        environment=order.environment,
        amount=order.amount,
        currency=order.currency,
        source="checkout",
        reason=reason,
    )
    return settle(scope, settlement, provider=provider_for(scope).name).payment


def payments_of(customer_id: UUID) -> Select[Payment]:
    """Select a customer's payments."""
    return select(Payment).where(Payment.customer_id == customer_id)


def every_payment(**filters: Any) -> Select[Payment]:
    """Select payments by what is given of ``status``, ``customer_id`` and ``product_id``; None gives nothing."""
    return select(Payment).filter_by(**{name: value for name, value in filters.items() if value is not None})


def find_payment_of(scope: TenantScope, customer_id: UUID, payment_id: UUID) -> Payment | None:
    """A customer's own payment, or None."""
    return scope.session.scalars(payments_of(customer_id).where(Payment.id == payment_id)).one_or_none()


def find_payment(scope: TenantScope, payment_id: UUID) -> Payment | None:
    """A payment of this organisation, or None."""
    return scope.session.get(Payment, (scope.organisation.id, payment_id))


def check_return_url(scope: TenantScope, url: str, api_url: str) -> None:
    """Make sure that a buyer is not sent to a stranger's page.

    Args:
        url: absolute, http or https.
        api_url: where the API was called. The caller says so, in the Host header, and is not believed: it is
            checked like any other URL.

    Raises:
        ForeignReturnUrl: it is another host's, or no absolute URL.
    """
    allowed = {*scope.organisation.hosts, *scope.runtime.own_hosts}
    if LOOPBACK & _hosts_of(api_url):
        allowed |= LOOPBACK
    if not allowed & _hosts_of(url):
        raise ForeignReturnUrl(f"Use one of: {', '.join(sorted(allowed))}.")


def _hosts_of(url: str) -> set[str]:
    """The host of a URL, as organisations' hosts are compared; empty when it has none or is suspicious."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return set()
    # A backslash means one host to a browser and another to a URL parser.
    if parts.scheme not in ("http", "https") or "\\" in url:
        return set()
    return set(host_keys(parts.netloc))
