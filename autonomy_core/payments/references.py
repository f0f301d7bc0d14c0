"""Finds the payment of an id that a provider or this server gave to a payment, a refund or a dispute."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.finders import PaymentFinder
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment, PaymentDispute, PaymentRefund

LONGEST_REFERENCE = 255


def find_by_reference(scope: TenantScope, reference: str) -> UUID | None:
    """Return the id of the payment that a reference belongs to; None if there is none.

    Args:
        scope: the organisation; its own transaction is not used, because a provider may be called.
        reference: a payment's id, or a provider's id of a payment, a refund, a dispute or another object.

    Raises:
        Unavailable: a provider that has to be asked does not answer.
    """
    reference = reference.strip()
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        return None
    with scope.begin() as own:
        known = _recorded(own, reference)
    return known or _found_by_a_provider(scope, reference)


def customer_of_reference(scope: TenantScope, reference: str) -> UUID | None:
    """Return the id of the customer whose payment a reference belongs to; see `find_by_reference`."""
    payment_id = find_by_reference(scope, reference)
    if payment_id is None:
        return None
    with scope.begin() as own:
        return own.session.scalar(select(Payment.customer_id).where(Payment.id == payment_id))


def _recorded(scope: TenantScope, reference: str) -> UUID | None:
    if (payment_id := parse_uuid(reference)) is not None:
        return scope.session.scalar(select(Payment.id).where(Payment.id == payment_id))
    for reversal in (PaymentRefund, PaymentDispute):
        found = select(reversal.payment_id).where(reversal.reference == reference).limit(1)
        if (payment_id := scope.session.scalar(found)) is not None:
            return payment_id
    return None


def _found_by_a_provider(scope: TenantScope, reference: str) -> UUID | None:
    runtime = runtime_of(scope)
    for name in scope.organisation.plugins:
        provider = runtime.providers.get(name)
        if isinstance(provider, PaymentFinder):
            with runtime.between_transactions(scope.organisation) as outside:
                found = provider.find(outside, reference)
            if found is not None:
                return found
    return None
