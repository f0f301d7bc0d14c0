"""To buy: from the call to the page on which the buyer pays.

Simultaneous and repeated calls of one customer for one product end in one payment, see `open_payment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.catalog.services import require_for_sale
from autonomy_core.db.base import uuid7
from autonomy_core.db.own_transactions import trying_again
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import Conflict, Unavailable
from autonomy_core.grants.services import environment_of
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.copies import refuse_on_copy
from autonomy_core.kernel.protocols import Checkout, CheckoutOrder
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.discounts import discounts_of, require_collectable
from autonomy_core.payments.items import keep_items
from autonomy_core.payments.models import Payment
from autonomy_core.payments.offers import Offer, read_offer, still_open
from autonomy_core.payments.reconciliation import watch
from autonomy_core.payments.return_urls import ReturnUrls, check_return_url
from autonomy_core.payments.services import (
    find_payment,
    provider_for,
    provider_named,
    require_provider,
)
from autonomy_core.payments.settlement import lock_payment, settle
from autonomy_core.payments.terms import Wanted, are_same, keep_urls, require_undisputed

log = structlog.get_logger(__name__)

NOBODY = "free"
"""Stands for the provider of a payment of nothing."""


EXPIRE_JOB = "payments.expire"
"""The job that has a checkout closed that nobody is to pay any more."""

LOCK = Statement("""
SELECT FROM payments AS p, unnest(%(organisation_id)s::text[], %(payment_id)s::uuid[]) AS wanted(organisation_id, id)
WHERE p.organisation_id = wanted.organisation_id AND p.id = wanted.id FOR UPDATE OF p
""")
STATUS = Statement(
    "SELECT status FROM payments WHERE organisation_id = %(organisation_id)s AND id = %(payment_id)s"
)

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
        found: whether it was open already, and is handed to the buyer again.
        prepared: what the provider has prepared for a new payment.
        outdated: open payments on other terms: another price, coupon, return URL or provider. Their coupons are released
            and their checkouts are closed, so that only the newest payment is handed out again.
    """

    payment: Payment
    found: bool = False
    prepared: object | None = None
    outdated: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Bought:
    """What `buy` gives.

    Attributes:
        payment: as it was when it was opened or found.
        checkout_url: of the page to pay on; None where there was nothing to pay.
        found: whether it was open already.
    """

    payment: Payment
    checkout_url: str | None
    found: bool


def buy(
    scope: TenantScope, customer_id: UUID, product_id: UUID, urls: ReturnUrls, *, code: str | None = None
) -> Bought:
    """Open a payment and the page to pay on, or find those that are open; see docs/transactions.md.

    One transaction makes the payment, then the provider is asked in none, and another one records the page. So a crash
    leaves a pending payment, and never a page that we do not know of.

    Args:
        scope: in no transaction.
        code: of a coupon, as the customer wrote it.

    Raises:
        Unavailable: the provider does not answer; a new payment has failed.
        AutonomyError: as `open_payment` lists them.
    """

    def opening() -> Opened:
        with scope.runtime.direct_transaction(scope.organisation) as own:
            return open_payment(own, customer_id, product_id, urls, code=code)

    opened = trying_again(opening)
    if opened.payment.status == PaymentStatus.COMPLETED:
        return Bought(opened.payment, None, opened.found)
    try:
        checkout = begin_checkout(scope, opened)
    except Unavailable as error:
        if not opened.found:
            with scope.begin() as own:
                give_up(own, opened.payment, str(error))
        raise
    with scope.runtime.direct_transaction(scope.organisation) as own:
        attach_checkout(own, opened.payment, checkout)
    return Bought(opened.payment, checkout.url, opened.found)


def open_payment(
    scope: TenantScope, customer_id: UUID, product_id: UUID, urls: ReturnUrls, *, code: str | None = None
) -> Opened:
    """Make the payment and the provider's row of it, unless one is open. Commit before the provider is called.

    What costs nothing is completed at once, without a provider. The ordinary purchase needs no session; what is not
    ordinary uses the one of the scope's transaction.

    Args:
        customer_id: who buys.
        code: of a coupon, as the customer wrote it.

    Raises:
        NotFound, AlreadyOwned, PaymentOnItsWay, PurchaseDisputed, NotForSale, PaymentsUnavailable, ForeignReturnUrl
        RestoredCopy, CouponUsedUp, DiscountRefused, TooManyRequests
        CouponNotValid: commit all the same, so that the attempt counts.
    """
    offer = read_offer(scope, customer_id, product_id, environment_of(scope))
    for url in (urls.api_url, urls.success_url, urls.cancel_url):
        check_return_url(scope, url, urls.api_url)
    require_for_sale(scope, offer.product)
    if offer.is_owned:
        raise AlreadyOwned
    wanted = Wanted(
        customer_id, offer, discounts_of(scope).quote(scope, customer_id, offer.product, code), urls
    )
    refuse_on_copy(scope, offer.environment)
    before = _open_payments(scope, wanted)
    if not wanted.quote.amount:
        return Opened(_complete_for_nothing(scope, wanted, before))
    provider = provider_for(scope)
    require_undisputed(scope, offer)
    newest = next(iter(before), None)
    if newest is not None and newest.provider == provider.name and are_same(scope, newest, wanted):
        return Opened(newest, found=True)
    require_collectable(scope, wanted.quote)
    payment = _add_payment(scope, wanted, provider.name, before)
    prepared = provider.prepare(scope, order_for(payment, offer, urls))
    watch(scope, payment.id)
    for old in before:
        defer(scope, EXPIRE_JOB, in_seconds=EXPIRE_AGAIN_S, payment_id=str(old.id))
    return Opened(payment, prepared=prepared, outdated=tuple(old.id for old in before))


def _open_payments(scope: TenantScope, wanted: Wanted) -> list[Payment]:
    """The customer's payments for the product that can still be paid, newest first.

    Raises:
        PaymentOnItsWay: one has been paid, and the money takes days.
    """
    offer = wanted.offer
    if not offer.has_open:
        return []
    found = select(Payment).where(still_open(wanted.customer_id, offer.product.id, offer.environment))
    payments = [
        (payment, provider)
        for payment in scope.session.scalars(found.order_by(Payment.id.desc()))
        if (provider := provider_named(scope, payment.provider)) is not None
    ]
    for payment, _ in payments:
        if payment.status == PaymentStatus.PROCESSING:
            raise PaymentOnItsWay(extra={"payment_id": str(payment.id)})
    return [payment for payment, provider in payments if provider.can_be_paid(scope, payment.id)]


def order_for(payment: Payment, offer: Offer, urls: ReturnUrls) -> CheckoutOrder:
    """What a provider is asked to collect for a payment."""
    return CheckoutOrder(
        payment_id=payment.id,
        product_id=payment.product_id,
        customer_id=payment.customer_id,
        title=offer.product.title,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,  # type: ignore[arg-type]
        customer_email=offer.customer_email,
        success_url=urls.success_url,
        cancel_url=urls.cancel_url,
        api_url=urls.api_url,
    )


def _complete_for_nothing(scope: TenantScope, wanted: Wanted, before: Sequence[Payment]) -> Payment:
    # Hooks work in the session.
    in_session = replace(scope, transaction=scope.session)
    payment = _add_payment(in_session, wanted, NOBODY, before)
    for old in before:
        defer(in_session, EXPIRE_JOB, payment_id=str(old.id))
    return _settle(in_session, payment, PaymentStatus.COMPLETED, source="free")


def _add_payment(scope: TenantScope, wanted: Wanted, provider: str, before: Sequence[Payment]) -> Payment:
    """Make a payment, with its coupon; those that were open before hold theirs no longer.

    Raises:
        CouponUsedUp
    """
    coupon, offer = wanted.quote.coupon, wanted.offer
    payment = Payment(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=wanted.customer_id,
        product_id=offer.product.id,
        provider=provider,
        environment=offer.environment,
        status=PaymentStatus.PENDING,
        amount=wanted.quote.amount,
        currency=wanted.quote.currency,
        discount=wanted.quote.discount,
        coupon_id=coupon.id if coupon else None,
        coupon_code=coupon.code if coupon else None,
    )
    scope.add(payment)
    keep_items(scope, payment, offer.product, offer.items)
    keep_urls(scope, payment, wanted.urls)
    discounts = discounts_of(scope)
    discounts.release(scope, [old.id for old in before if old.coupon_id is not None])
    if coupon is not None:
        discounts.reserve(scope, coupon, payment)
    return payment


def begin_checkout(scope: TenantScope, opened: Opened) -> Checkout:
    """Ask the provider for a page to pay on. No transaction may be open that holds anything.

    Raises:
        Unavailable: the provider does not answer; the payment stays pending.
    """
    provider = require_provider(scope, opened.payment.provider)
    for payment_id in opened.outdated:
        expire(scope, payment_id)
    with scope.runtime.between_transactions(scope.organisation) as outside:
        return provider.begin_checkout(outside, opened.payment.id, opened.prepared)


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
    """Record the page that the provider has opened, also of a payment that was given up meanwhile.

    Raises:
        Unavailable: another call for the same payment was not answered by the provider, and has given it up.
    """
    values = {"organisation_id": scope.organisation.id, "payment_id": payment.id}
    provider = require_provider(scope, payment.provider)
    scope.execute_later(LOCK, values)
    provider.attach(scope, payment.id, checkout)
    ((status,),) = scope.execute_last(STATUS, values)
    if status == PaymentStatus.FAILED:
        raise Unavailable("The payment was given up meanwhile; buy again.")


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
