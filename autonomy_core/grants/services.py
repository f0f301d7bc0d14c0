"""Use cases of grants."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, select, true, update
from sqlalchemy.orm import selectinload

from autonomy_core.catalog.models import Product
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.db.driver_transaction import DirectTransaction
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import NotFound
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.events import PaymentFacts
from autonomy_core.kernel.scope import TenantScope

_GRANT = """
INSERT INTO grants (organisation_id, id, customer_id, product_id, payment_id, environment, plugin, granted_at)
{what}
ON CONFLICT (organisation_id, payment_id, product_id) DO NOTHING RETURNING true
"""
GRANT = Statement(
    _GRANT.format(
        what="""SELECT organisation_id, %(id)s::uuid, %(customer_id)s::uuid, id, %(payment_id)s::uuid, %(environment)s::text,
    %(plugin)s::text, %(granted_at)s::timestamptz
FROM products WHERE organisation_id = %(organisation_id)s AND id = %(product_id)s"""
    )
)
GRANT_KNOWN_PRODUCTS = Statement(
    _GRANT.format(
        what="""SELECT * FROM unnest(%(organisation_id)s::text[], %(id)s::uuid[], %(customer_id)s::uuid[],
    %(product_id)s::uuid[], %(payment_id)s::uuid[], %(environment)s::text[], %(plugin)s::text[], %(granted_at)s::timestamptz[])"""
    )
)
"""The same, for many and for somebody who reads no answer; an unknown product violates the foreign key."""


def grant(scope: TenantScope, payment: PaymentFacts, product_id: UUID, *, plugin: str) -> None:
    """Give the customer of a payment a product; once per payment and product, however often it is called.

    Args:
        plugin: whose hook grants it, for the record.

    Raises:
        NotFound: this organisation has no such product. In a `DirectTransaction` that comes to light later, and undoes it.
    """
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
    if isinstance(scope.transaction, DirectTransaction):
        scope.transaction.execute_later(GRANT_KNOWN_PRODUCTS, values)
        return
    scope.session.flush()  # the product may be as new as this hook
    if not scope.execute_directly(GRANT, values):
        _require_granted_before(scope, payment.id, product_id)


def _require_granted_before(scope: TenantScope, payment_id: UUID, product_id: UUID) -> None:
    same = (Grant.payment_id == payment_id) & (Grant.product_id == product_id)
    if scope.session.scalar(select(Grant.id).where(same)) is None:
        raise NotFound("The organisation has no such product.")


def revoke_grants(
    scope: TenantScope, payment_id: UUID, because: str, at: datetime, *, only: Collection[UUID] | None = None
) -> list[UUID]:
    """Take back what a payment has granted. What other payments have granted stays, the same product included.

    Args:
        because: why, for the record.
        at: when, aware.
        only: these products; None for all.

    Returns:
        The products that were taken back by this call.
    """
    return _change_grants(
        scope,
        (Grant.payment_id == payment_id) & Grant.revoked_at.is_(None) & _among(only),
        {"revoked_at": at, "revoked_because": because},
    )


def _among(product_ids: Collection[UUID] | None) -> Any:
    return true() if product_ids is None else Grant.product_id.in_(product_ids)


def restore_grants(scope: TenantScope, payment_id: UUID, *, but: Collection[UUID] = ()) -> list[UUID]:
    """Give back what was taken back of a payment, but for some products; gives the products."""
    return _change_grants(
        scope,
        (Grant.payment_id == payment_id) & Grant.revoked_at.is_not(None) & Grant.product_id.not_in(but),
        {"revoked_at": None, "revoked_because": None},
    )


def _change_grants(scope: TenantScope, which: Any, values: dict[str, Any]) -> list[UUID]:
    statement = update(Grant).where(which).values(values).returning(Grant.product_id)
    return list(scope.session.scalars(statement))


def environment_of(scope: TenantScope) -> str:
    """The environment in which the organisation sells, and customers own, now; live without a provider."""
    provider = scope.runtime.payment_provider_for(scope.organisation)
    return provider.environment(scope.organisation) if provider else "live"


def owns(scope: TenantScope, customer_id: UUID, product_id: UUID, environment: str | None = None) -> bool:
    """Whether a customer has a grant of a product that has not been revoked.

    Args:
        environment: where; by default where the organisation sells now.
    """
    condition = is_valid(customer_id, environment or environment_of(scope)) & (Grant.product_id == product_id)
    return bool(scope.session.scalar(select(exists().where(condition))))


def owned_products(scope: TenantScope, customer_id: UUID) -> Select[Product]:
    """Select the products that a customer owns, each once, withdrawn ones included."""
    granted = select(Grant.product_id).where(is_valid(customer_id, environment_of(scope)))
    return select(Product).where(Product.id.in_(granted)).options(selectinload(Product.items))


def is_valid(customer_id: Any, environment: Any) -> ColumnElement[bool]:
    """The condition, in SQL, that a grant is a customer's, in an environment, and has not been revoked."""
    return (
        (Grant.customer_id == customer_id) & (Grant.environment == environment) & Grant.revoked_at.is_(None)
    )
