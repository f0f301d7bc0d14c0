"""Purchases, from the call until the buyer has the address of the checkout page.

Simultaneous and repeated calls of one customer for one product share one payment, see `open_payment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from autonomy_core.db.base import uuid7
from autonomy_core.db.own_transactions import trying_again
from autonomy_core.db.pipeline import Statement
from autonomy_core.errors import Unavailable
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.protocols import Checkout, CheckoutOrder
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.buyers import Buyer, Guest
from autonomy_core.payments.consents import Consent, keep_consent, keep_consent_if_new, require_consent
from autonomy_core.payments.discounts import discounts_of, require_collectable
from autonomy_core.payments.items import keep_items
from autonomy_core.payments.models import Payment
from autonomy_core.payments.offers import Offer
from autonomy_core.payments.reconciliation import watch
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.services import (
    find_payment,
    provider_for,
    provider_named,
    require_provider,
)
from autonomy_core.payments.settlement import lock_payment, settle
from autonomy_core.payments.terms import PurchaseTerms, are_same, decide, keep_urls, require_undisputed
from autonomy_core.prices.domain import NO_WISH, Wish

log = structlog.get_logger(__name__)

NO_PROVIDER = "free"
"""The `provider` of a payment whose amount is 0."""


EXPIRE_JOB = "payments.expire"
"""The name of the job that closes the checkout of an outdated payment."""

LOCK = Statement("""
SELECT FROM payments AS p,
unnest(%(organisation_id)s::text[], %(payment_id)s::uuid[]) AS wanted(organisation_id, id)
WHERE p.organisation_id = wanted.organisation_id AND p.id = wanted.id FOR UPDATE OF p
""")
STATUS = Statement(
    "SELECT status FROM payments WHERE organisation_id = %(organisation_id)s AND id = %(payment_id)s"
)
DO_NOT_WAIT_FOR_DISK = Statement("SELECT set_config('synchronous_commit', 'off', true)")

EXPIRE_AGAIN_S = 90
"""Delay of the job that closes an outdated checkout a second time.

The first call may have had no answer, or the provider may have opened the checkout after it.
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A payment that `open_payment` has created or found.

    Attributes:
        payment: pending, or completed if its amount is 0.
        found: whether an earlier call created it.
        prepared: the result of the provider's `prepare` for a new payment.
        outdated: IDs of open payments on other terms: another price, coupon, return URL or provider. Their
            coupons are released and their checkouts closed, so that later calls find the newest payment only.
    """

    payment: Payment
    found: bool = False
    prepared: object | None = None
    outdated: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Bought:
    """The result of `buy`.

    Attributes:
        payment: as it was when it was created or found.
        checkout_url: URL of the checkout page; None if the amount is 0.
        found: whether an earlier call created the payment.
    """

    payment: Payment
    checkout_url: str | None
    found: bool


def buy(
    scope: TenantScope,
    buyer: UUID | Guest,
    product_id: UUID,
    urls: ReturnUrls,
    *,
    wish: Wish = NO_WISH,
    code: str | None = None,
    consent: Consent | None = None,
) -> Bought:
    """Create a payment and its checkout page, or find the open ones; see docs/transactions.md.

    One transaction creates the payment. The provider is called outside of any transaction. A second
    transaction records the page. So a crash leaves a pending payment, and never a page without a payment.

    Args:
        scope: without an open transaction.
        buyer, product_id, urls, wish, code, consent: as for `open_payment`.

    Raises:
        ConsentRequired: the organisation requires a consent.
        Unavailable: the provider does not answer. A new payment is set to failed.
        AutonomyError: as `open_payment` lists them.
    """
    require_consent(scope, consent)

    def opening() -> Opened:
        with runtime_of(scope).driver_transaction(scope.organisation) as own:
            return open_payment(own, buyer, product_id, urls, wish=wish, code=code, consent=consent)

    opened = trying_again(opening)
    if opened.payment.status == PaymentStatus.COMPLETED:
        return Bought(opened.payment, None, opened.found)
    try:
        checkout = begin_checkout(scope, opened)
    except Unavailable as error:
        if not opened.found:
            trying_again(partial(_give_up, scope, opened.payment, str(error)))
        raise
    trying_again(partial(_attach, scope, opened.payment, checkout))
    return Bought(opened.payment, checkout.url, opened.found)


def _attach(scope: TenantScope, payment: Payment, checkout: Checkout) -> None:
    with runtime_of(scope).driver_transaction(scope.organisation) as own:
        attach_checkout(own, payment, checkout)


def _give_up(scope: TenantScope, payment: Payment, reason: str) -> None:
    with scope.begin() as own:
        give_up(own, payment, reason)


def open_payment(
    scope: TenantScope,
    buyer: UUID | Guest,
    product_id: UUID,
    urls: ReturnUrls,
    *,
    wish: Wish = NO_WISH,
    code: str | None = None,
    consent: Consent | None = None,
) -> Opened:
    """Create a payment and its provider's row, unless one is open. Commit, then call the provider.

    A payment of amount 0 is completed here, without a provider. The common path uses no ORM session; the
    other paths use the session of the scope's transaction.

    Args:
        scope: its transaction is open.
        buyer: the id of an account, or a guest.
        product_id, urls: a product or a bundle, and the pages to which the buyer returns.
        wish, consent: the amount and the currency that the buyer has chosen, and what the buyer agrees to.
        code: coupon code as the customer typed it; None without a coupon.

    Raises:
        NotFound, AlreadyOwned, PaymentOnItsWay, PurchaseDisputed, NotForSale, PaymentsUnavailable
        ForeignReturnUrl, RestoredCopy, CouponUsedUp, DiscountRefused, TooManyRequests, PurchaseRefused
        CurrencyNotOffered, AmountTooSmall, PriceIsFixed, AmountNotCollectable
        CouponNotValid: the caller still commits, so that the failed attempt counts.
    """
    wanted, before = decide(scope, Buyer.of(buyer), product_id, urls, code=code, wish=wish)
    if not wanted.quote.amount:
        return Opened(_complete_for_nothing(scope, wanted, before, consent))
    provider = provider_for(scope)
    require_undisputed(scope, wanted.offer)
    newest = next(iter(before), None)
    if newest is not None and newest.provider == provider.name and are_same(scope, newest, wanted):
        keep_consent_if_new(scope, newest.id, consent)
        return Opened(newest, found=True)
    require_collectable(scope, wanted.price, wanted.quote)
    payment = _add_payment(scope, wanted, provider.name, before, consent)
    with forbid_commit(scope):
        prepared = provider.prepare(scope, order_for(payment, wanted.offer, urls))
    _look_after(scope, payment, before)
    return Opened(payment, prepared=prepared, outdated=tuple(old.id for old in before))


def _look_after(scope: TenantScope, payment: Payment, before: Sequence[Payment]) -> None:
    """Defer the query about a new payment, and the second closing of outdated checkouts."""
    watch(scope, payment.id)
    for old in before:
        defer(scope, EXPIRE_JOB, in_seconds=EXPIRE_AGAIN_S, payment_id=str(old.id))


def order_for(payment: Payment, offer: Offer, urls: ReturnUrls) -> CheckoutOrder:
    """Return the order that the provider's checkout collects for a payment."""
    return CheckoutOrder(
        payment_id=payment.id,
        product_id=payment.product_id,
        customer_id=payment.customer_id,
        title=offer.product.title,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,
        customer_email=offer.customer_email,
        success_url=urls.success_url,
        cancel_url=urls.cancel_url,
        api_url=urls.api_url,
    )


def _complete_for_nothing(
    scope: TenantScope, wanted: PurchaseTerms, before: Sequence[Payment], consent: Consent | None
) -> Payment:
    payment = _add_payment(scope, wanted, NO_PROVIDER, before, consent)
    for old in before:
        defer(scope, EXPIRE_JOB, payment_id=str(old.id))
    return _settle(scope, payment, PaymentStatus.COMPLETED, source="free")


def _add_payment(
    scope: TenantScope,
    wanted: PurchaseTerms,
    provider: str,
    before: Sequence[Payment],
    consent: Consent | None,
) -> Payment:
    """Create a payment and its rows, and the customer of a guest.

    The coupons of earlier open payments are released, and the coupon of this one is reserved.

    Raises:
        CouponUsedUp
    """
    coupon, offer = wanted.quote.coupon, wanted.offer
    payment = Payment(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=wanted.buyer.added(scope).id,
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
    keep_consent(scope, payment.id, consent)
    discounts = discounts_of(scope)
    discounts.release(scope, [old.id for old in before if old.coupon_id is not None])
    if coupon is not None:
        discounts.reserve(scope, coupon, payment)
    return payment


def begin_checkout(scope: TenantScope, opened: Opened) -> Checkout:
    """Have the provider open a checkout page. The caller holds no lock in an open transaction.

    Raises:
        Unavailable: the provider does not answer; the payment stays pending.
    """
    provider = require_provider(scope, opened.payment.provider)
    for payment_id in opened.outdated:
        expire(scope, payment_id)
    with runtime_of(scope).between_transactions(scope.organisation) as outside:
        return provider.begin_checkout(outside, opened.payment.id, opened.prepared)


def expire(scope: TenantScope, payment_id: UUID) -> None:
    """Have the provider close the checkout of a pending payment, so that the buyer cannot pay it any more.

    A provider that does not answer is logged.

    Args:
        scope: its own transaction is not used, so that no connection is held during the provider's call.
    """
    with scope.begin() as own:
        payment = find_payment(own, payment_id)
    if payment is None or payment.status != PaymentStatus.PENDING:
        return
    try:
        provider = require_provider(scope, payment.provider)
        with runtime_of(scope).between_transactions(scope.organisation) as outside:
            provider.expire(outside, payment_id)
    except Unavailable as error:
        # The customer has paid, or the checkout expires within a day.
        log.warning("payment.not_expired", payment_id=str(payment_id), reason=str(error))


def attach_checkout(scope: TenantScope, payment: Payment, checkout: Checkout) -> None:
    """Record the checkout page that the provider has opened.

    The page is recorded also if another call has set the payment to failed meanwhile. A crash of PostgreSQL
    can lose the record. A purchase finds the page without it, to return or to close it; so does the webhook.

    Raises:
        Unavailable: another call for the same payment had no answer from the provider and set it to failed;
            or the payment was deleted.
        NotYourTransaction: the provider's method has ended the transaction.
    """
    values = {"organisation_id": scope.organisation.id, "payment_id": payment.id}
    provider = require_provider(scope, payment.provider)
    scope.execute_later(LOCK, values)
    scope.execute_later(DO_NOT_WAIT_FOR_DISK, {})
    with forbid_commit(scope):
        provider.attach(scope, payment.id, checkout)
    found = scope.execute_last(STATUS, values)
    if not found or found[0][0] == PaymentStatus.FAILED:
        raise Unavailable("The payment was given up meanwhile; buy again.")


def give_up(scope: TenantScope, payment: Payment, reason: str) -> None:
    """Set a payment to failed, unless a simultaneous call has opened its checkout."""
    locked = lock_payment(scope, payment.id)
    provider = provider_named(scope, locked.provider)
    with forbid_commit(scope):
        is_open = provider is not None and provider.has_checkout(scope, locked.id)
    if not is_open:
        _settle(scope, payment, PaymentStatus.FAILED, source="checkout", reason=reason)


def _settle(
    scope: TenantScope, payment: Payment, status: PaymentStatus, *, source: str, reason: str | None = None
) -> Payment:
    settlement = Settlement(
        payment_id=payment.id,
        status=status,
        environment=payment.environment,
        amount=payment.amount,
        currency=payment.currency,
        source=source,
        reason=reason,
    )
    return settle(scope, settlement, provider=payment.provider).payment
