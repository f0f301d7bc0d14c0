"""Grants without a payment: staff and plugins give them, staff take them back.

The reason is in the ledger and in the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from autonomy_core.audit.services import change, record
from autonomy_core.catalog.bundles import UnknownProduct, items_of
from autonomy_core.catalog.models import BUNDLE, Product
from autonomy_core.catalog.services import find_product
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import find_customer, lock_current
from autonomy_core.customers.staff.services import require_no_address
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.errors import Conflict, NotFound
from autonomy_core.grants.mails import notify_given, notify_taken_back
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import environment_of, is_valid
from autonomy_core.kernel.events import GrantRevoked
from autonomy_core.kernel.scope import TenantScope, forbid_commit

BY_STAFF = "staff"
"""The ``plugin`` of a grant that staff gave by hand."""

BY_CODE = "code"
"""The ``plugin`` of a grant by a download code."""


class AlreadyGranted(Conflict):
    """The customer has this product, or every item of the bundle."""

    code, title = "already_granted", "The customer has this product"


class GrantOfPayment(Conflict):
    """The grant comes from a payment. A refund of the payment revokes it."""

    code, title = "grant_of_payment", "This product was bought: refund the payment instead"


class AlreadyRevoked(Conflict):
    """The grant was revoked before."""

    code, title = "already_revoked", "This was taken back before"


def grants_of(customer_id: UUID) -> Select[Grant]:
    """Select all grants of a customer with their products, including revoked ones and those of test."""
    return select(Grant).where(Grant.customer_id == customer_id).options(joinedload(Grant.product))


def give(
    scope: TenantScope, customer: Customer, product_id: UUID, reason: str, *, actor: str
) -> Sequence[Grant]:
    """Give a product to a customer, in the environment in which the organisation sells now.

    Of a bundle, the customer gets the items that are missing.

    Args:
        scope: the scope of the organisation.
        customer: the customer, an account or a guest.
        product_id: the product or bundle.
        reason: why, for the ledger and the audit log.
        actor: who gives it.

    Raises:
        AddressInReason, UnknownProduct
        AlreadyGranted: the customer has everything.
        NotFound: the customer was erased or merged meanwhile.
    """
    given = _give(scope, customer, product_id, reason, actor=actor, plugin=BY_STAFF)
    if not given:
        raise AlreadyGranted
    notify_given(scope, customer, given)
    return given


def give_as_plugin(
    scope: TenantScope, customer_id: UUID, product_id: UUID, reason: str, *, plugin: str
) -> Sequence[Grant]:
    """Give a product to a customer without a payment, in the environment in which the organisation sells now.

    The customer gets no mail. Repeated calls have no effect while the customer has the product. Staff can
    take it back. Of a bundle, the customer gets the items that are missing.

    Args:
        scope: the scope of the organisation.
        customer_id: the customer, an account or a guest.
        product_id: the product or bundle.
        reason: why, for the ledger and the audit log.
        plugin: the plugin that gives it, for the record.

    Returns:
        The new grants with their products; empty if the customer has everything.

    Raises:
        AddressInReason, UnknownProduct
        NotFound: the customer does not exist, or was erased or merged.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        raise NotFound
    return _give(scope, customer, product_id, reason, actor=f"plugin:{plugin}", plugin=plugin)


def give_by_code(
    scope: TenantScope, customer: Customer, product_id: UUID, reason: str, *, actor: str
) -> Sequence[Grant]:
    """Give the product of a download code to a customer, who gets no mail. Staff can take it back.

    Args:
        scope, customer, product_id, reason: as for `give`.
        actor: the code, ``code:<id>``.

    Returns:
        The new grants with their products; empty if the customer has everything.

    Raises:
        AddressInReason, UnknownProduct
        NotFound: the customer was erased or merged meanwhile.
    """
    return _give(scope, customer, product_id, reason, actor=actor, plugin=BY_CODE)


def _give(
    scope: TenantScope, customer: Customer, product_id: UUID, reason: str, *, actor: str, plugin: str
) -> Sequence[Grant]:
    require_no_address(reason)
    product = find_product(scope, product_id)
    if product is None:
        raise UnknownProduct
    # The lock serialises gifts to one customer.
    lock_current(scope, customer)
    given = _new_grants(scope, customer, _wanted(scope, product))
    for grant in given:
        grant.plugin, grant.given_by, grant.given_because = plugin, actor, reason
    scope.session.add_all(given)
    for grant in given:
        _record(scope, grant, "grant.given", reason, actor, owned=True)
    scope.session.flush()
    return scope.session.scalars(_with_products([grant.id for grant in given])).all()


def _wanted(scope: TenantScope, product: Product) -> list[UUID]:
    return [item.id for item in items_of(scope, product.id)] if product.kind == BUNDLE else [product.id]


def owns_all(scope: TenantScope, customer: Customer, product_id: UUID) -> bool:
    """Return whether a customer has a product, or every item of a bundle, in the present environment."""
    product = find_product(scope, product_id)
    return product is not None and not _new_grants(scope, customer, _wanted(scope, product))


def _new_grants(scope: TenantScope, customer: Customer, wanted: Sequence[UUID]) -> list[Grant]:
    """Return grants of the products that the customer does not own yet."""
    environment = environment_of(scope)
    owned = set(scope.session.scalars(select(Grant.product_id).where(is_valid(customer.id, environment))))
    return [
        Grant(
            organisation_id=scope.organisation.id,
            id=uuid7(),
            customer_id=customer.id,
            product_id=product_id,
            environment=environment,
        )
        for product_id in wanted
        if product_id not in owned
    ]


def take_back(scope: TenantScope, customer: Customer, grant: Grant, reason: str, *, actor: str) -> Grant:
    """Take back what staff or a plugin gave to a customer, and call the hook ``on_grant_revoked``.

    Raises:
        AddressInReason, GrantOfPayment, AlreadyRevoked
    """
    require_no_address(reason)
    if grant.payment_id is not None:
        raise GrantOfPayment
    scope.session.refresh(grant, with_for_update={"of": Grant})
    if grant.revoked_at is not None:
        raise AlreadyRevoked
    grant.revoked_at, grant.revoked_because = utcnow(), reason
    scope.session.flush()
    _record(scope, grant, "grant.taken_back", reason, actor, owned=False)
    with forbid_commit(scope):
        for implementation in scope.hooks.implementations("on_grant_revoked"):
            implementation(event=_revoked(scope, grant, implementation.plugin))
    notify_taken_back(scope, customer, grant)
    return grant


def _with_products(grant_ids: Sequence[UUID]) -> Select[Grant]:
    found = select(Grant).where(Grant.id.in_(grant_ids)).options(joinedload(Grant.product))
    return found.order_by(Grant.id).execution_options(populate_existing=True)


def _record(scope: TenantScope, grant: Grant, action: str, reason: str, actor: str, *, owned: bool) -> None:
    of_grant = {"customer": str(grant.customer_id), "product": str(grant.product_id), "reason": reason}
    detail = {**of_grant, **change({"owned": not owned}, {"owned": owned})}
    record(scope, actor=actor, action=action, target=f"grant:{grant.id}", detail=detail)


def _revoked(scope: TenantScope, grant: Grant, plugin: str) -> GrantRevoked:
    assert grant.revoked_at is not None  # noqa: S101 - for the type checker: it was revoked a moment ago
    return GrantRevoked(
        scope=scope,
        plugin=plugin,
        customer_id=grant.customer_id,
        product_id=grant.product_id,
        payment_id=None,
        environment=grant.environment,
        granted_by=grant.plugin,
        reason=grant.revoked_because or "",
        revoked_at=grant.revoked_at,
    )
