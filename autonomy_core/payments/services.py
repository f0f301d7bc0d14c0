"""Lookups of payments, and of the provider that collects them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from autonomy_core.catalog.services import find_product
from autonomy_core.customers.models import Customer
from autonomy_core.errors import NotFound, Unavailable
from autonomy_core.kernel.protocols import PaymentProvider
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import Organisation, TenantScope
from autonomy_core.kernel.settlements import PaymentFacts
from autonomy_core.payments.models import Payment, PaymentItem
from autonomy_core.payments.periods import A_DAY, midnight


class PaymentsUnavailable(Unavailable):
    """The organisation has enabled no plugin that collects payments."""

    code, title = "payments_unavailable", "This organisation cannot take payments now"


class ProviderNotSetUp(PaymentsUnavailable):
    """The organisation is not set up for the provider that took a payment, so the provider was not called."""


def provider_for(scope: TenantScope) -> PaymentProvider:
    """Return the provider for the organisation's new payments.

    Raises:
        PaymentsUnavailable: there is none.
    """
    provider = runtime_of(scope).payment_provider_for(scope.organisation)
    if provider is None:
        raise PaymentsUnavailable
    return provider


def provider_named(scope: TenantScope, name: str) -> PaymentProvider | None:
    """Return the provider that took a payment, by the payment's ``provider``; None if it is disabled."""
    return runtime_of(scope).providers.get(name) if name in scope.organisation.plugins else None


def require_provider(scope: TenantScope, name: str) -> PaymentProvider:
    """Return the provider that took a payment, which may differ from the provider for new payments.

    Raises:
        ProviderNotSetUp: the organisation has disabled it.
    """
    provider = provider_named(scope, name)
    if provider is None:
        raise ProviderNotSetUp(f"{name} took the payment, and is not enabled.")
    return provider


def _for_staff() -> tuple[ORMOption, ...]:
    """Return what loads the parts of `schemas.AdminPaymentSchema` that are in other tables."""
    return joinedload(Payment.customer, innerjoin=True), joinedload(Payment.tax)


def payments_of(customer_id: UUID) -> Select[Payment]:
    """Select a customer's payments."""
    return select(Payment).where(Payment.customer_id == customer_id)


def every_payment(organisation: Organisation, filters: Mapping[str, Any]) -> Select[Payment]:
    """Select payments with their customers and taxes.

    Args:
        organisation: its time zone determines the days.
        filters: see `matching`.
    """
    wanted = matching(organisation, filters)
    return select(Payment).where(*wanted).options(*_for_staff())


def matching(organisation: Organisation, filters: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of `schemas.PaymentFilters`.

    Args:
        organisation: its time zone determines the days.
        filters: the loaded values by name; None means any.
    """
    given = {name: value for name, value in filters.items() if value is not None}
    return [
        condition(organisation.zone, given[name]) for name, condition in _CONDITIONS.items() if name in given
    ]


def _for_product(_: ZoneInfo, product_id: UUID) -> ColumnElement[bool]:
    contains = exists(PaymentItem.payment_id).where(
        PaymentItem.organisation_id == Payment.organisation_id,
        PaymentItem.payment_id == Payment.id,
        PaymentItem.product_id == product_id,
    )
    return (Payment.product_id == product_id) | contains


def _of_address(_: ZoneInfo, email: str) -> ColumnElement[bool]:
    # Addresses are stored in lower case.
    return Payment.customer_id.in_(select(Customer.id).where(Customer.email == email.lower()))


_CONDITIONS: Mapping[str, Callable[[ZoneInfo, Any], ColumnElement[bool]]] = {
    "status": lambda _, status: Payment.status == status,
    "customer_id": lambda _, customer_id: Payment.customer_id == customer_id,
    "product_id": _for_product,
    "email": _of_address,
    # Codes are stored in upper case.
    "coupon": lambda _, code: Payment.coupon_code == code.upper(),
    "environment": lambda _, environment: Payment.environment == environment,
    "first_day": lambda zone, day: Payment.created_at >= midnight(day, zone),
    "last_day": lambda zone, day: Payment.created_at < midnight(day + A_DAY, zone),
}
"""The condition of each filter, given the organisation's time zone and the filter's value."""


def find_payment_of(scope: TenantScope, customer_id: UUID, payment_id: UUID) -> Payment | None:
    """Return a customer's own payment, or None."""
    return scope.session.scalars(payments_of(customer_id).where(Payment.id == payment_id)).one_or_none()


def find_payment(scope: TenantScope, payment_id: UUID) -> Payment | None:
    """Return a payment of this organisation, with its customer and its tax, or None."""
    return scope.session.get(Payment, (scope.organisation.id, payment_id), options=_for_staff())


def facts_of(scope: TenantScope, payment: Payment) -> PaymentFacts:
    """Return the facts of a payment that the session has loaded.

    Raises:
        NotFound: its product does not exist.
    """
    product = find_product(scope, payment.product_id)
    if product is None:
        raise NotFound("The payment's product does not exist.")
    return PaymentFacts(
        id=payment.id,
        customer_id=payment.customer_id,
        product_id=payment.product_id,
        product_kind=product.kind,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,
        provider=payment.provider,
        completed_at=payment.completed_at,
    )
