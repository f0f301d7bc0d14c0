"""What decides about a purchase, read in one statement: the product, the buyer, and what the buyer has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, exists, func, or_, select

from autonomy_core.catalog.models import BUNDLE, BundleItem, Product
from autonomy_core.customers.models import Customer
from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled, parameter
from autonomy_core.errors import NotAuthenticated, NotFound
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import is_valid
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.domain import OPEN
from autonomy_core.payments.models import Payment, PaymentItem

ORGANISATION = parameter("organisation_id", Text())
CUSTOMER = parameter("customer_id", Uuid())
PRODUCT = parameter("product_id", Uuid())
ENVIRONMENT = parameter("environment", Text())

# Of simultaneous calls one at a time decides about a customer and a product: a double click is one payment.
TAKE_TURN = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%(key)s::text[]) AS turn(key)"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as a customer may buy it now.

    Attributes:
        product: what is read of it; no session knows it.
        items: what the customer would get: the product, or what the bundle consists of.
        granted: which of these the customer has.
        has_open: whether a payment of the customer's for it may still be paid.
        disputed: the newest payment of the customer's for any of it that the customer's bank disputes.
    """

    product: Product
    customer_email: str
    environment: str
    items: Sequence[UUID]
    granted: frozenset[UUID]
    has_open: bool
    disputed: UUID | None

    @property
    def is_owned(self) -> bool:
        """Whether the customer has all of it. Who has a part of a bundle may buy it."""
        return self.granted.issuperset(self.items)


def read_offer(scope: TenantScope, customer_id: UUID, product_id: UUID, environment: str) -> Offer:
    """Read what decides, once no other call decides about the same customer and product.

    Raises:
        NotFound: the organisation has no such product.
        NotAuthenticated: it has no such customer.
    """
    organisation_id = scope.organisation.id
    scope.execute_later(TAKE_TURN, {"key": f"purchase {organisation_id} {customer_id} {product_id}"})
    values = {
        "organisation_id": organisation_id,
        "customer_id": customer_id,
        "product_id": product_id,
        "environment": environment,
    }
    found = scope.execute_directly(_offer(), values)
    if not found:
        raise NotFound
    ((email, in_bundle, granted, has_open, disputed, *of_product),) = found
    if email is None:
        raise NotAuthenticated
    columns = dict(zip(_OF_PRODUCT, of_product, strict=True))
    product = Product(organisation_id=organisation_id, id=product_id, **columns)
    return Offer(
        product=product,
        customer_email=email,
        environment=environment,
        items=in_bundle if product.kind == BUNDLE else [product_id],
        granted=frozenset(granted),
        has_open=has_open,
        disputed=disputed,
    )


def still_open(customer_id: Any, product_id: Any, environment: Any) -> ColumnElement[bool]:
    """The condition, in SQL, that a payment of a customer's for a product has not come to an end."""
    return and_(
        Payment.customer_id == customer_id,
        Payment.product_id == product_id,
        Payment.environment == environment,
        Payment.status.in_(OPEN),
    )


_IN_BUNDLE = select(BundleItem.product_id).where(
    BundleItem.organisation_id == ORGANISATION, BundleItem.bundle_id == PRODUCT
)


def _is_wanted(product_id: Any) -> ColumnElement[bool]:
    return or_(product_id == PRODUCT, product_id.in_(_IN_BUNDLE))


def _array_of(rows: Any) -> Any:
    return func.array(rows.scalar_subquery())


_GRANTED = select(Grant.product_id).where(
    Grant.organisation_id == ORGANISATION, is_valid(CUSTOMER, ENVIRONMENT), _is_wanted(Grant.product_id)
)
_DISPUTED = (
    select(Payment.id)
    .where(
        Payment.organisation_id == ORGANISATION,
        Payment.customer_id == CUSTOMER,
        Payment.environment == ENVIRONMENT,
        Payment.status == PaymentStatus.DISPUTED,
        or_(
            _is_wanted(Payment.product_id),
            exists().where(
                PaymentItem.organisation_id == Payment.organisation_id,
                PaymentItem.payment_id == Payment.id,
                _is_wanted(PaymentItem.product_id),
            ),
        ),
    )
    .order_by(Payment.id.desc())
    .limit(1)
)
_OF_PRODUCT = ("title", "kind", "amount", "currency", "active", "archived_at")
_OFFER = (
    select(
        Customer.email,
        _array_of(_IN_BUNDLE.order_by(BundleItem.position)),
        _array_of(_GRANTED),
        exists().where(Payment.organisation_id == ORGANISATION, still_open(CUSTOMER, PRODUCT, ENVIRONMENT)),
        _DISPUTED.scalar_subquery(),
        *(getattr(Product, name) for name in _OF_PRODUCT),
    )
    .select_from(Product)
    .outerjoin(Customer, and_(Customer.organisation_id == ORGANISATION, Customer.id == CUSTOMER))
    .where(Product.organisation_id == ORGANISATION, Product.id == PRODUCT)
)


@cache
def _offer() -> Statement:
    # At first use: to compile needs every model that a foreign key names.
    return compiled(_OFFER)
