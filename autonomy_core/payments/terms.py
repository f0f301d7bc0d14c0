"""On which terms a product is bought: whether an open payment is on the same, and what stands against a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from autonomy_core.errors import Conflict
from autonomy_core.kernel.protocols import Quote
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.items import has_items
from autonomy_core.payments.models import Payment, PaymentReturn
from autonomy_core.payments.offers import Offer
from autonomy_core.payments.return_urls import ReturnUrls


class PurchaseDisputed(Conflict):
    """The customer's bank disputes a payment for this product, and has not decided."""

    code, title = "purchase_disputed", "Your bank disputes a payment for this product"
    members: ClassVar[Mapping[str, Mapping[str, Any]]] = {"payment_id": {"type": "string", "format": "uuid"}}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a customer is about to buy, and on which terms."""

    customer_id: UUID
    offer: Offer
    quote: Quote
    urls: ReturnUrls


def are_same(scope: TenantScope, payment: Payment, wanted: Wanted) -> bool:
    """Whether an open payment is for the same things, at the same price with the same coupon, and returns to the same pages.

    A caller who names no page takes any: the address of the API stands for that.
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
    """Keep the pages to which the buyer returns with a new payment, if the caller has named one."""
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
    """Make sure that the customer's bank disputes no payment for any of what is wanted, or the organisation does not mind.

    Who disputes a payment and buys again may be testing a stolen card, or may mean to keep the product and the money.

    Raises:
        PurchaseDisputed
    """
    if offer.disputed is not None and not scope.organisation.purchase_during_dispute:
        raise PurchaseDisputed(extra={"payment_id": str(offer.disputed)})
