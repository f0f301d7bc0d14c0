"""What the plugin keeps of a customer: the address that the checkout page was opened with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from autonomy_core.plugin_api.customers import PersonalData
from autonomy_core.plugin_api.payments import Payment
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.words import ADDRESS
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's checkouts."""
    yield (
        "checkouts.json",
        [
            {
                "payment_id": each.payment_id,
                "session_id": each.session_id,
                "payment_intent_id": each.payment_intent_id,
                "email": each.request.get(ADDRESS),
                "created_at": each.created_at,
            }
            for each in _checkouts_of(scope, customer_id)
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Remove the address from the customer's checkouts, and what their return pages may say in a query."""
    for each in _checkouts_of(scope, customer_id):
        each.request = {name: value for name, value in each.request.items() if name != ADDRESS}
        each.success_url = each.success_url.partition("?")[0].partition("#")[0]


def _checkouts_of(scope: TenantScope, customer_id: UUID) -> list[StripePayment]:
    statement = (
        select(StripePayment)
        .join(Payment, Payment.id == StripePayment.payment_id)
        .where(Payment.customer_id == customer_id)
        .order_by(StripePayment.created_at)
    )
    return list(scope.session.scalars(statement))


PERSONAL_DATA = PersonalData(PLUGIN, export, erase)
