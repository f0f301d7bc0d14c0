"""Read the facts that decide about a purchase in one statement: product, buyer, and the buyer's grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, exists, func, or_, select
from sqlalchemy.orm.attributes import set_committed_value

from autonomy_core.catalog.models import BUNDLE, BundleItem, Product, ProductDetails
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import is_account, is_current
from autonomy_core.db.pipeline import Statement
from autonomy_core.db.statements import compiled, parameter
from autonomy_core.errors import NotAuthenticated, NotFound
from autonomy_core.grants.models import Grant
from autonomy_core.grants.services import is_valid
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.buyers import Buyer
from autonomy_core.payments.domain import OPEN
from autonomy_core.payments.models import Payment, PaymentItem
from autonomy_core.prices.services import OF_PRICES

ORGANISATION = parameter("organisation_id", Text())
CUSTOMER = parameter("customer_id", Uuid())
PRODUCT = parameter("product_id", Uuid())
GUEST_EMAIL = parameter("guest_email", Text())
ENVIRONMENT = parameter("environment", Text())

# Calls for one customer and product decide one after the other, so that a double click makes one payment.
TAKE_TURN = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(%(key)s::text[]) AS turn(key)"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product that a customer is about to buy, with the facts that decide about it.

    Attributes:
        product: the columns that were read; the object belongs to no session.
        customer_email: of the buyer.
        email_verified: whether the buyer's address was proven; False for a guest.
        is_blocked: whether the organisation has blocked the buyer, or the account of a guest's address.
        environment: "live" or "test".
        items: IDs of the products that the customer would get: the product itself, or the items of the
            bundle.
        granted: which of the items the customer has.
        unfinished: IDs of the customer's payments for the product that were not final when it was read.
        disputed: ID of the customer's newest disputed payment for one of the items; None without a dispute.
    """

    product: Product
    customer_email: str
    email_verified: bool
    is_blocked: bool
    environment: str
    items: Sequence[UUID]
    granted: frozenset[UUID]
    unfinished: frozenset[UUID]
    disputed: UUID | None

    @property
    def is_owned(self) -> bool:
        """Whether the customer has every item. A customer with a part of a bundle may buy the bundle."""
        return self.granted.issuperset(self.items)


def read_offer(scope: TenantScope, buyer: Buyer, product_id: UUID, environment: str) -> Offer:
    """Take the advisory lock of a customer and a product, then read the facts that decide about the purchase.

    The transaction holds the lock until it ends.

    Raises:
        NotFound: the organisation has no such product.
        NotAuthenticated: the organisation has no such customer, or the customer was erased or merged.
    """
    organisation_id = scope.organisation.id
    scope.execute_later(TAKE_TURN, {"key": f"purchase {organisation_id} {buyer.id} {product_id}"})
    values = {
        "organisation_id": organisation_id,
        "customer_id": buyer.id,
        "guest_email": buyer.guest.email if buyer.guest else None,
        "product_id": product_id,
        "environment": environment,
    }
    found = scope.execute_at_driver(_OFFER, values)
    if not found:
        raise NotFound
    ((email, verified, blocked, in_bundle, granted, unfinished, disputed, *of_product),) = found
    if email is None:
        raise NotAuthenticated
    columns = dict(zip((*_OF_PRODUCT, *_OF_DETAILS), of_product, strict=True))
    details = ProductDetails(**{name: columns.pop(name) for name in _OF_DETAILS})
    product = Product(organisation_id=organisation_id, id=product_id, **columns)
    set_committed_value(product, "details", details)
    return Offer(
        product=product,
        customer_email=email,
        email_verified=verified,
        is_blocked=blocked,
        environment=environment,
        items=in_bundle if product.kind == BUNDLE else [product_id],
        granted=frozenset(granted),
        unfinished=frozenset(unfinished),
        disputed=disputed,
    )


def still_open(customer_id: Any, product_id: Any, environment: Any) -> ColumnElement[bool]:
    """Return the SQL condition that a payment of a customer for a product is not final."""
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
_BLOCKED = exists().where(
    Customer.organisation_id == ORGANISATION,
    or_(Customer.id == CUSTOMER, and_(is_account(), Customer.email == GUEST_EMAIL)),
    Customer.blocked_at.is_not(None),
)
_OF_PRODUCT = ("title", "kind", "amount", "currency", "active", "archived_at", *OF_PRICES)
_OF_DETAILS = ("published_at", "released_at", "preorder")
_UNFINISHED = select(Payment.id).where(
    Payment.organisation_id == ORGANISATION, still_open(CUSTOMER, PRODUCT, ENVIRONMENT)
)
_OFFER = compiled(
    select(
        func.coalesce(GUEST_EMAIL, Customer.email),
        Customer.email_verified_at.is_not(None),
        _BLOCKED,
        _array_of(_IN_BUNDLE.order_by(BundleItem.position)),
        _array_of(_GRANTED),
        _array_of(_UNFINISHED),
        _DISPUTED.scalar_subquery(),
        *(getattr(Product, name) for name in _OF_PRODUCT),
        *(getattr(ProductDetails, name) for name in _OF_DETAILS),
    )
    .select_from(Product)
    .outerjoin(
        ProductDetails,
        and_(ProductDetails.organisation_id == ORGANISATION, ProductDetails.product_id == Product.id),
    )
    .outerjoin(
        Customer, and_(Customer.organisation_id == ORGANISATION, Customer.id == CUSTOMER, is_current())
    )
    .where(Product.organisation_id == ORGANISATION, Product.id == PRODUCT)
)
