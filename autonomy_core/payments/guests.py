"""Purchases without an account: their limits, and the link that shows the status of the payment."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from autonomy_core.errors import NotFound
from autonomy_core.kernel.keys import organisation_key, organisation_keys
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.buyers import Guest
from autonomy_core.payments.consents import Consent
from autonomy_core.payments.discounts import CouponNotValid
from autonomy_core.payments.models import Payment
from autonomy_core.payments.purchasing import Bought, buy
from autonomy_core.payments.return_urls import ReturnUrls
from autonomy_core.payments.services import find_payment
from autonomy_core.prices.domain import NO_WISH, Wish
from autonomy_core.security.domain import Bucket, RateLimit
from autonomy_core.security.limits import count_attempt, forgive_attempt

PERIOD = timedelta(hours=1)

WRONG_COUPONS = RateLimit(10, PERIOD)
"""How many wrong codes of coupons a client may try, as a customer may."""

PER_MAILBOX = RateLimit(20, PERIOD)
"""How many purchases of guests may name one address, because a free one sends a receipt at once."""

PURPOSE = "payments.status"


def buy_as_guest(
    scope: TenantScope,
    guest: Guest,
    product_id: UUID,
    urls: ReturnUrls,
    *,
    client_network: str,
    wish: Wish = NO_WISH,
    code: str | None = None,
    consent: Consent | None = None,
) -> Bought:
    """Buy without an account; see `buy`. Every call makes a new payment.

    Args:
        scope: without an open transaction.
        guest: the buyer.
        product_id, urls, wish, code, consent: as for `buy`.
        client_network: the network of the client, for the limits.

    Raises:
        TooManyRequests: too many purchases of guests, or too many wrong codes, came from the network, or too
            many purchases of guests named the address.
        AutonomyError: as for `buy`.
    """
    per_network = RateLimit(scope.organisation.guest_purchases_per_address, PERIOD)
    purchases = Bucket("purchase.network", client_network, per_network)
    mailbox = Bucket("purchase.mailbox", guest.email, PER_MAILBOX)
    coupons = [Bucket("purchase.coupon", client_network, WRONG_COUPONS)] if code is not None else []
    with scope.begin() as own:
        count_attempt(own, [purchases, mailbox, *coupons])
    try:
        bought = buy(scope, guest, product_id, urls, wish=wish, code=code, consent=consent)
    except CouponNotValid:
        raise
    except Exception:
        _forgive(scope, coupons)
        raise
    _forgive(scope, coupons)
    return bought


def _forgive(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    if buckets:
        with scope.begin() as own:
            forgive_attempt(own, buckets)


def status_token(scope: TenantScope, payment_id: UUID) -> str:
    """Return the token that shows the status of a payment, and nothing else."""
    return _token(organisation_key(scope, PURPOSE), payment_id)


def payment_of_token(scope: TenantScope, payment_id: UUID, token: str) -> Payment:
    """Return the payment that a token was made for.

    Raises:
        NotFound: the token is not of this payment, or the payment does not exist.
    """
    expected = [_token(key, payment_id) for key in organisation_keys(scope, PURPOSE)]
    if not any(hmac.compare_digest(token.encode(), each.encode()) for each in expected):
        raise NotFound
    payment = find_payment(scope, payment_id)
    if payment is None:
        raise NotFound
    return payment


def _token(key: bytes, payment_id: UUID) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, payment_id.bytes, "sha256")).rstrip(b"=").decode()
