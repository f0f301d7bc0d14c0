"""Payments, looked up; and who collects them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.protocols import PaymentProvider
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment


class PaymentsUnavailable(Unavailable):
    """The organisation has enabled no plugin that collects money."""

    code, title = "payments_unavailable", "This organisation cannot take payments now"


class ProviderNotSetUp(PaymentsUnavailable):
    """The organisation is not set up for the provider that took a payment, which was therefore not asked."""


def provider_for(scope: TenantScope) -> PaymentProvider:
    """The provider that takes the organisation's payments.

    Raises:
        PaymentsUnavailable: there is none.
    """
    provider = scope.runtime.payment_provider_for(scope.organisation)
    if provider is None:
        raise PaymentsUnavailable
    return provider


def provider_named(scope: TenantScope, name: str) -> PaymentProvider | None:
    """The provider that took a payment, by the payment's ``provider``; None where the organisation has disabled it."""
    return scope.runtime.providers.get(name) if name in scope.organisation.plugins else None


def require_provider(scope: TenantScope, name: str) -> PaymentProvider:
    """The provider that took a payment, which need not be the one that takes new ones.

    Raises:
        ProviderNotSetUp: the organisation has disabled it meanwhile.
    """
    provider = provider_named(scope, name)
    if provider is None:
        raise ProviderNotSetUp(f"{name} took the payment, and is not enabled.")
    return provider


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
