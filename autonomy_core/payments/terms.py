"""The terms of a purchase: price, coupon and return URLs, and what forbids a new payment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import structlog
from sqlalchemy import select

from autonomy_core.catalog.parts import parts_of
from autonomy_core.catalog.services import require_for_sale
from autonomy_core.errors import Conflict, NotAllowed
from autonomy_core.grants.services import environment_of, owns
from autonomy_core.kernel.copies import refuse_on_copy
from autonomy_core.kernel.events import PurchaseRequested
from autonomy_core.kernel.protocols import Quote
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.kernel.settlements import PaymentStatus
from autonomy_core.payments.buyers import Buyer
from autonomy_core.payments.discounts import discounts_of
from autonomy_core.payments.items import has_items
from autonomy_core.payments.models import Payment, PaymentReturn
from autonomy_core.payments.offers import Offer, read_offer, still_open
from autonomy_core.payments.return_urls import ReturnUrls, check_return_url
from autonomy_core.payments.services import provider_named
from autonomy_core.prices.domain import Price, Wish, choose

log = structlog.get_logger(__name__)


class AlreadyOwned(Conflict):
    """The customer has this product, or every item of the bundle, and must not pay twice by accident."""

    code, title = "already_owned", "You own this product already"


class PaymentOnItsWay(Conflict):
    """The customer has paid for this product by a method that takes days."""

    code, title = "payment_on_its_way", "A payment for this product is on its way"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"payment_id": {"type": "string", "format": "uuid"}}


class PurchaseDisputed(Conflict):
    """The customer's bank disputes a payment for this product, and the dispute is still open."""

    code, title = "purchase_disputed", "Your bank disputes a payment for this product"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"payment_id": {"type": "string", "format": "uuid"}}


class PurchaseRefused(NotAllowed):
    """The organisation does not sell to this buyer. The answer does not say why, or what is known of them."""

    code, title = "purchase_refused", "This purchase cannot be made; ask the shop"


class VerifiedEmailRequired(NotAllowed):
    """The organisation sells only to customers whose address was proven. Guests need an account then."""

    code, title = "verified_email_required", "The e-mail address has to be verified first"


@dataclass(frozen=True, slots=True)
class PurchaseTerms:
    """What a customer is about to buy, and on which terms.

    Attributes:
        buyer: the buyer; a guest is not added to the customers yet.
        offer: the product with the facts that decide about the purchase.
        price: the price before a coupon.
        quote: price and coupon.
        urls: the pages to which the buyer returns.
    """

    buyer: Buyer
    offer: Offer
    price: Price
    quote: Quote
    urls: ReturnUrls


def decide(
    scope: TenantScope, buyer: Buyer, product_id: UUID, urls: ReturnUrls, *, code: str | None, wish: Wish
) -> tuple[PurchaseTerms, list[Payment]]:
    """Return the terms of a purchase, and the open payments for the product, newest first.

    The lock of `read_offer` excludes other purchases, but an event may settle a payment meanwhile. The
    customer may own the product then, so the facts are read again.

    Raises:
        NotFound, NotForSale, ForeignReturnUrl, RestoredCopy
        AlreadyOwned: the customer has every item, or the product of which this is a part.
        PurchaseRefused: the organisation has blocked the buyer.
        AutonomyError: a plugin's hook refuses the purchase.
        PaymentOnItsWay: the customer has paid by a method that takes days.
        CurrencyNotOffered, AmountTooSmall, PriceIsFixed: the wish does not fit the prices.
        CouponNotValid, DiscountRefused, TooManyRequests: the coupon gives no discount.
    """
    while True:
        offer = read_offer(scope, buyer, product_id, environment_of(scope))
        for url in (urls.api_url, urls.success_url, urls.cancel_url):
            check_return_url(scope, url, urls.api_url)
        require_for_sale(scope, offer.product)
        if offer.is_owned or _owns_whole(scope, offer, buyer):
            raise AlreadyOwned
        _require_welcome(scope, buyer, offer)
        price = choose(offer.product, wish)
        quote = discounts_of(scope).quote(scope, buyer.account_id, offer.product.id, price, code)
        refuse_on_copy(scope, offer.environment)
        wanted = PurchaseTerms(buyer, offer, price, quote, urls)
        unfinished = _unfinished(scope, wanted)
        if {payment.id for payment in unfinished} == offer.unfinished:
            return wanted, _payable(scope, unfinished)
        log.info("purchase.decided_again", product_id=str(product_id))


def _owns_whole(scope: TenantScope, offer: Offer, buyer: Buyer) -> bool:
    """Whether the buyer owns the product of which this is a part, such as the release of a track."""
    part = parts_of(scope, [offer.product]).get(offer.product.id)
    return part is not None and owns(scope, buyer.id, part.whole, offer.environment)


def _require_welcome(scope: TenantScope, buyer: Buyer, offer: Offer) -> None:
    """Refuse buyers that the organisation has blocked, and those that a plugin refuses."""
    if offer.is_blocked:
        raise PurchaseRefused
    event = PurchaseRequested(scope, offer.product.id, buyer.account_id, offer.email_verified)
    with forbid_commit(scope):
        scope.hooks.call("on_purchase_requested", event)


def _unfinished(scope: TenantScope, wanted: PurchaseTerms) -> Sequence[Payment]:
    """Read the customer's payments for the product that are not final, newest first."""
    offer = wanted.offer
    if not offer.unfinished:
        return []
    found = select(Payment).where(still_open(wanted.buyer.id, offer.product.id, offer.environment))
    newest_first = found.order_by(Payment.id.desc()).execution_options(populate_existing=True)
    return scope.session.scalars(newest_first).all()


def _payable(scope: TenantScope, unfinished: Sequence[Payment]) -> list[Payment]:
    """Return those of a customer's payments that can still be paid.

    Raises:
        PaymentOnItsWay: the customer has paid one by a method that takes days.
    """
    payments = [
        (payment, provider)
        for payment in unfinished
        if (provider := provider_named(scope, payment.provider)) is not None
    ]
    for payment, _ in payments:
        if payment.status == PaymentStatus.PROCESSING:
            raise PaymentOnItsWay(extra={"payment_id": str(payment.id)})
    with forbid_commit(scope):
        return [payment for payment, provider in payments if provider.can_be_paid(scope, payment.id)]


def are_same(scope: TenantScope, payment: Payment, wanted: PurchaseTerms) -> bool:
    """Whether an open payment has the same items, price, coupon and return URLs.

    A caller that names no return URL accepts any: the URL of the API stands for none.
    """
    quoted = wanted.quote
    coupon_id = quoted.coupon.id if quoted.coupon else None
    terms = (payment.amount, payment.currency, payment.discount, payment.coupon_id)
    if terms != (quoted.amount, quoted.currency, quoted.discount, coupon_id):
        return False
    return _returns_to(scope, payment, wanted.urls) and has_items(
        scope, payment, wanted.offer.product, wanted.offer.items
    )


def _returns_to(scope: TenantScope, payment: Payment, urls: ReturnUrls) -> bool:
    kept = scope.session.get(PaymentReturn, (payment.organisation_id, payment.id))
    success, cancel = (kept.success_url, kept.cancel_url) if kept else (None, None)
    return urls.success_url in (success, urls.api_url) and urls.cancel_url in (cancel, urls.api_url)


def keep_urls(scope: TenantScope, payment: Payment, urls: ReturnUrls) -> None:
    """Store the return URLs of a new payment, if the caller has named one."""
    if (urls.success_url, urls.cancel_url) != (urls.api_url, urls.api_url):
        scope.add(
            PaymentReturn(
                organisation_id=payment.organisation_id,
                payment_id=payment.id,
                success_url=urls.success_url,
                cancel_url=urls.cancel_url,
            )
        )


def require_undisputed(scope: TenantScope, offer: Offer) -> None:
    """Refuse a purchase while the customer's bank disputes a payment for one of its items.

    A customer that disputes a payment and buys again may be testing a stolen card, or may want to keep both
    the product and the money. The organisation's setting `purchase_during_dispute` allows such purchases.

    Raises:
        PurchaseDisputed
    """
    if offer.disputed is not None and not scope.organisation.purchase_during_dispute:
        raise PurchaseDisputed(extra={"payment_id": str(offer.disputed)})
