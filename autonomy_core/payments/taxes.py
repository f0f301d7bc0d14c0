"""The tax that a payment contains, as its provider reports it."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import PaymentTax


def keep_tax(scope: TenantScope, payment_id: UUID, amount: int) -> None:
    """Store the tax of a payment that completes.

    Args:
        scope: the organisation, in the transaction in which the payment is locked.
        payment_id: the payment.
        amount: the tax that the payment's amount contains, in the minor unit of its currency.
    """
    row = PaymentTax(organisation_id=scope.organisation.id, payment_id=payment_id, amount=amount)
    # A provider may report a failure after the money, and the money again.
    scope.session.merge(row)


def find_tax(scope: TenantScope, payment_id: UUID) -> int | None:
    """Return the tax of a payment in the minor unit of its currency; None if none was reported."""
    row = scope.session.get(PaymentTax, (scope.organisation.id, payment_id))
    return row.amount if row else None
