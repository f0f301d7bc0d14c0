"""To buy: from the call to the page on which the buyer pays.

Simultaneous and repeated calls of one customer for one product end in one payment, see `open_payment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import structlog
from sqlalchemy import func, select

from autonomy_core.backup.copies import refuse_on_copy
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import require_for_sale
from autonomy_core.coupons.redemption import quote, release, require_collectable, reserve
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import find_customer
from autonomy_core.db.base import uuid7
from autonomy_core.errors import Conflict, NotAuthenticated, Unavailable
from autonomy_core.grants.services import environment_of, owns_all
from autonomy_core.jobs.services import defer
from autonomy_core.payments.domain import OPEN, PaymentStatus, Settlement
from autonomy_core.payments.items import items_now, keep_items
from autonomy_core.payments.models import Payment
from autonomy_core.payments.reconciliation import watch
from autonomy_core.payments.return_urls import ReturnUrls, check_return_url
from autonomy_core.payments.services import (
    find_payment,
    payments_of,
    provider_for,
    provider_named,
    require_provider,
)
from autonomy_core.payments.settlement import lock_payment, settle
from autonomy_core.payments.terms import Wanted, are_same, keep_urls, require_undisputed
from autonomy_core.plugin_api.protocols import Checkout, CheckoutOrder
from autonomy_core.plugin_api.scope import TenantScope

log = structlog.get_logger(__name__)

NOBODY = "free"
"""Stands for the provider of a payment of nothing."""


EXPIRE_JOB = "payments.expire"
"""The job that has a checkout closed that nobody is to pay any more."""

EXPIRE_AGAIN_S = 90
"""When an outdated checkout is closed again: the provider may not have answered, or was only about to open it."""


class AlreadyOwned(Conflict):
    """The customer has this product, or all that is in the bundle; nobody pays twice for it by accident."""

    code, title = "already_owned", "You own this product already"


class PaymentOnItsWay(Conflict):
    """The customer has paid for this product by a method that takes days."""

    code, title = "payment_on_its_way", "A payment for this product is on its way"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"payment_id": {"type": "string", "format": "uuid"}}


@dataclass(frozen=True, slots=True)
class Opened:
    """A purchase that has begun.

    Attributes:
        payment: pending; or completed, where there was nothing to pay.
        payment_id, provider: of the payment; can be read after a commit without a transaction being begun.
        found: whether it was open already, and is handed to the buyer again.
        outdated: open payments on other terms: another price, coupon, return URL or provider. Their coupons are released
            and their checkouts are closed, so that only the newest payment is handed out again.
    """

    payment: Payment
    payment_id: UUID
    provider: str
    found: bool = False
    outdated: tuple[UUID, ...] = ()


def open_payment(
    scope: TenantScope, customer_id: UUID, product: Product, urls: ReturnUrls, *, code: str | None = None
) -> Opened:
    """Make the payment and the provider's row of it, unless one is open. Commit before the provider is called.

    What costs nothing is completed at once, without a provider.

    Args:
        customer_id: who buys.
        code: of a coupon, as the customer wrote it.

    Raises:
        AlreadyOwned, PaymentOnItsWay, PurchaseDisputed, NotForSale, PaymentsUnavailable, ForeignReturnUrl, RestoredCopy
        CouponUsedUp, DiscountRefused, TooManyRequests
        CouponNotValid: commit all the same, so that the attempt counts.
    """
    customer = find_customer(scope, customer_id)
    if customer is None:
        raise NotAuthenticated
    for url in (urls.api_url, urls.success_url, urls.cancel_url):
        check_return_url(scope, url, urls.api_url)
    require_for_sale(scope, product)
    _take_turns(scope, customer_id, product)
    wanted = _wanted(scope, customer_id, product, urls, code)
    refuse_on_copy(scope, wanted.environment)
    before = _open_payments(scope, wanted)
    if not wanted.quote.amount:
        completed = _complete_for_nothing(scope, wanted, before)
        return Opened(completed, completed.id, completed.provider)
    provider = provider_for(scope)
    require_undisputed(scope, wanted)
    newest = next(iter(before), None)
    if newest is not None and newest.provider == provider.name and are_same(scope, newest, wanted):
        return Opened(newest, newest.id, newest.provider, found=True)
    require_collectable(scope, wanted.quote)
    payment = _add_payment(scope, wanted, provider.name, before)
    provider.prepare(scope, order_for(payment, product, customer, urls))
    watch(scope, payment.id)
    for old in before:
        defer(scope, EXPIRE_JOB, in_seconds=EXPIRE_AGAIN_S, payment_id=str(old.id))
    return Opened(payment, payment.id, payment.provider, outdated=tuple(old.id for old in before))


def _wanted(
    scope: TenantScope, customer_id: UUID, product: Product, urls: ReturnUrls, code: str | None
) -> Wanted:
    """What is bought, at which price; somebody who has a part of a bundle may buy it.

    Raises:
        AlreadyOwned, CouponNotValid, TooManyRequests
    """
    items, environment = items_now(scope, product), environment_of(scope)
    if owns_all(scope, customer_id, items, environment):
        raise AlreadyOwned
    quoted = quote(scope, customer_id, product, code)
    return Wanted(customer_id, product, environment, quoted, items, urls)


def _take_turns(scope: TenantScope, customer_id: UUID, product: Product) -> None:
    """Let one transaction at a time decide about this customer and product: a double click is one payment."""
    key = f"purchase {scope.organisation.id} {customer_id} {product.id}"
    scope.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _open_payments(scope: TenantScope, wanted: Wanted) -> list[Payment]:
    """The customer's payments for the product that can still be paid, newest first.

    Raises:
        PaymentOnItsWay: one has been paid, and the money takes days.
    """
    found = payments_of(wanted.customer_id).where(
        Payment.product_id == wanted.product.id,
        Payment.environment == wanted.environment,
        Payment.status.in_(OPEN),
    )
    payments = [
        (payment, provider)
        for payment in scope.session.scalars(found.order_by(Payment.id.desc()))
        if (provider := provider_named(scope, payment.provider)) is not None
    ]
    for payment, _ in payments:
        if payment.status == PaymentStatus.PROCESSING:
            raise PaymentOnItsWay(extra={"payment_id": str(payment.id)})
    return [payment for payment, provider in payments if provider.can_be_paid(scope, payment.id)]


def order_for(payment: Payment, product: Product, customer: Customer, urls: ReturnUrls) -> CheckoutOrder:
    """What a provider is asked to collect for a payment."""
    return CheckoutOrder(
        payment_id=payment.id,
        product_id=product.id,
        customer_id=customer.id,
        title=product.title,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,  # type: ignore[arg-type]
        customer_email=customer.email,
        success_url=urls.success_url,
        cancel_url=urls.cancel_url,
        api_url=urls.api_url,
    )


def _complete_for_nothing(scope: TenantScope, wanted: Wanted, before: Sequence[Payment]) -> Payment:
    payment = _add_payment(scope, wanted, NOBODY, before)
    for old in before:
        defer(scope, EXPIRE_JOB, payment_id=str(old.id))
    return _settle(scope, payment, PaymentStatus.COMPLETED, source="free")


def _add_payment(scope: TenantScope, wanted: Wanted, provider: str, before: Sequence[Payment]) -> Payment:
    """Make a payment, with its coupon; those that were open before hold theirs no longer.

    Raises:
        CouponUsedUp
    """
    coupon = wanted.quote.coupon
    payment = Payment(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=wanted.customer_id,
        product_id=wanted.product.id,
        provider=provider,
        environment=wanted.environment,
        status=PaymentStatus.PENDING,
        amount=wanted.quote.amount,
        currency=wanted.quote.currency,
        discount=wanted.quote.discount,
        coupon_id=coupon.id if coupon else None,
        coupon_code=coupon.code if coupon else None,
    )
    scope.session.add(payment)
    scope.session.flush()
    keep_items(scope, payment, wanted.product, wanted.items)
    keep_urls(scope, payment, wanted.urls)
    release(scope, [old.id for old in before if old.coupon_id is not None])
    if coupon is not None:
        reserve(scope, coupon, payment)
    return payment


def begin_checkout(scope: TenantScope, opened: Opened) -> Checkout:
    """Ask the provider for a page to pay on. No transaction may be open that holds anything.

    Raises:
        Unavailable: the provider does not answer; the payment stays pending.
    """
    provider = require_provider(scope, opened.provider)
    for payment_id in opened.outdated:
        expire(scope, payment_id)
    with scope.runtime.between_transactions(scope.organisation) as outside:
        return provider.begin_checkout(outside, opened.payment_id)


def expire(scope: TenantScope, payment_id: UUID) -> None:
    """Have its provider close the checkout of a pending payment, if it can, so that it cannot be paid.

    Args:
        scope: its own transaction is not used, so that no connection is held while the provider answers.
    """
    with scope.begin() as own:
        payment = find_payment(own, payment_id)
    if payment is None or payment.status != PaymentStatus.PENDING:
        return
    try:
        provider = require_provider(scope, payment.provider)
        with scope.runtime.between_transactions(scope.organisation) as outside:
            provider.expire(outside, payment_id)
    except Unavailable as error:
        # It has been paid, or ends by itself within a day.
        log.warning("payment.not_expired", payment_id=str(payment_id), reason=str(error))


def attach_checkout(scope: TenantScope, payment: Payment, checkout: Checkout) -> None:
    """Record the page that the provider has opened.

    Raises:
        Unavailable: another call for the same payment was not answered by the provider, and has given it up.
    """
    locked = lock_payment(scope, payment.id)
    if locked.status == PaymentStatus.FAILED:
        raise Unavailable("The payment was given up meanwhile; buy again.")
    require_provider(scope, locked.provider).attach(scope, locked.id, checkout)


def give_up(scope: TenantScope, payment: Payment, reason: str) -> None:
    """Record that no checkout could be opened, unless a simultaneous call for the same payment could."""
    locked = lock_payment(scope, payment.id)
    provider = provider_named(scope, locked.provider)
    if provider is None or not provider.has_checkout(scope, locked.id):
        _settle(scope, payment, PaymentStatus.FAILED, source="checkout", reason=reason)


def _settle(
    scope: TenantScope, payment: Payment, status: PaymentStatus, *, source: str, reason: str | None = None
) -> Payment:
    settlement = Settlement(
        payment_id=payment.id,
        status=status,
        environment=payment.environment,  # type: ignore[arg-type]
        amount=payment.amount,
        currency=payment.currency,
        source=source,
        reason=reason,
    )
    return settle(scope, settlement, provider=payment.provider).payment
