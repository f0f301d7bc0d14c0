"""Services of grants."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select, true, update

from autonomy_core.catalog.availability import purchasable, with_details
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import find_product
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.db.driver_transaction import DriverTransaction
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import NotFound
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, transaction_of
from autonomy_core.kernel.settlements import PaymentFacts
from autonomy_core.tenancy.domain import Environment

GRANT = Statement("""
INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
SELECT * FROM unnest(%(organisation_id)s::text[], %(id)s::uuid[], %(customer_id)s::uuid[],
    %(product_id)s::uuid[], %(payment_id)s::uuid[], %(environment)s::text[], %(plugin)s::text[],
    %(granted_at)s::timestamptz[])
ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING
""")


def grant(scope: TenantScope, payment: PaymentFacts, product_id: UUID, *, plugin: str) -> None:
    """Grant a product to the customer of a payment. Repeated calls have no effect.

    Args:
        scope: the scope of the organisation.
        payment: the payment.
        product_id: the product.
        plugin: the plugin whose hook grants it, for the record.

    Raises:
        NotFound: the organisation has no such product. In a `DriverTransaction` the foreign key fails later
            instead, which rolls the transaction back.
    """
    in_session = not isinstance(transaction_of(scope), DriverTransaction)
    if in_session and find_product(scope, product_id) is None:
        raise NotFound("The organisation has no such product.")
    values = {
        "organisation_id": scope.organisation.id,
        "id": uuid7(),
        "customer_id": payment.customer_id,
        "product_id": product_id,
        "payment_id": payment.id,
        "environment": payment.environment,
        "plugin": plugin,
        "granted_at": utcnow(),
    }
    scope.execute_later(GRANT, values)


def revoke_grants(
    scope: TenantScope, payment_id: UUID, because: str, at: datetime, *, only: Collection[UUID] | None = None
) -> list[UUID]:
    """Revoke the grants of a payment. Grants of other payments stay, even for the same product.

    Args:
        scope: the scope of the organisation.
        payment_id: the payment.
        because: the reason, for the record.
        at: the time, with a time zone.
        only: the products to revoke; None for all.

    Returns:
        The products whose grants this call revoked.
    """
    return _change_grants(
        scope,
        (Grant.payment_id == payment_id) & Grant.revoked_at.is_(None) & _among(only),
        {"revoked_at": at, "revoked_because": because},
    )


def _among(product_ids: Collection[UUID] | None) -> Any:
    return true() if product_ids is None else Grant.product_id.in_(product_ids)


def restore_grants(scope: TenantScope, payment_id: UUID, *, but: Collection[UUID] = ()) -> list[UUID]:
    """Restore the revoked grants of a payment, except for some products; return the restored products."""
    return _change_grants(
        scope,
        (Grant.payment_id == payment_id) & Grant.revoked_at.is_not(None) & Grant.product_id.not_in(but),
        {"revoked_at": None, "revoked_because": None},
    )


def _change_grants(scope: TenantScope, which: Any, values: dict[str, Any]) -> list[UUID]:
    statement = update(Grant).where(which).values(values).returning(Grant.product_id)
    return list(scope.session.scalars(statement))


def move_grants(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give all grants of a customer to another, including revoked ones."""
    scope.session.execute(update(Grant).where(Grant.customer_id == source_id).values(customer_id=target_id))


def environment_of(scope: TenantScope) -> Environment:
    """Return the environment in which the organisation sells now; ``live`` without a payment provider."""
    provider = runtime_of(scope).payment_provider_for(scope.organisation)
    return provider.environment(scope.organisation) if provider else "live"


def owns(scope: TenantScope, customer_id: UUID, product_id: UUID, environment: str | None = None) -> bool:
    """Return whether a customer has a valid grant of a product.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer.
        product_id: the product.
        environment: ``test`` or ``live``; the default is the one in which the organisation sells now.
    """
    condition = is_valid(customer_id, environment or environment_of(scope)) & (Grant.product_id == product_id)
    return bool(scope.session.scalar(select(exists(Grant.id).where(condition))))


def owned_products(scope: TenantScope, customer_id: UUID) -> Select[Product]:
    """Select the products that a customer owns, each once, including withdrawn products."""
    granted = select(Grant.product_id).where(is_valid(customer_id, environment_of(scope)))
    return with_details(select(Product), purchasable(scope)).where(Product.id.in_(granted))


def is_valid(customer_id: Any, environment: Any) -> ColumnElement[bool]:
    """The SQL condition that a grant belongs to a customer in an environment, and is not revoked."""
    return (
        (Grant.customer_id == customer_id) & (Grant.environment == environment) & Grant.revoked_at.is_(None)
    )
