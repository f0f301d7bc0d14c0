"""Discounts of a purchase, and the reasons for refusing one.

See `autonomy_core.kernel.protocols.Discounts`.
"""

from __future__ import annotations

from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.kernel.protocols import Discounts, Quote
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.prices.domain import Price
from autonomy_core.prices.services import problem_of_provider, require_chosen_collectable


class CouponNotValid(InvalidInput):
    """The coupon does not exist, or is not valid for this purchase.

    The response does not distinguish the two, so that guessing reveals only usable codes. The transaction
    commits, because the attempt counts.
    """

    code, title = "coupon_not_valid", "This coupon is not valid for this purchase"
    commits = True


class CouponUsedUp(Conflict):
    """The coupon has been used or reserved as often as its limits allow."""

    code, title = "coupon_used_up", "This coupon has been used up"


class CouponNeedsAccount(Conflict):
    """The coupon is limited for each customer, and a buyer without an account is a new customer each time."""

    code, title = "coupon_needs_account", "This coupon is for customers with an account"


class DiscountRefused(Conflict):
    """The payment provider does not collect the remaining amount."""

    code, title = "discount_refused", "The amount that the coupon leaves cannot be collected"


def discounts_of(scope: TenantScope) -> Discounts:
    """Return the implementation of discounts."""
    return runtime_of(scope).discounts


def require_collectable(scope: TenantScope, price: Price, quoted: Quote) -> None:
    """Check that the provider collects the amount that the buyer has chosen, or that a coupon leaves.

    Prices are checked when they are set.

    Raises:
        AmountNotCollectable: it does not collect the chosen amount.
        DiscountRefused: it does not collect the amount that the coupon leaves.
    """
    if quoted.coupon is None:
        if price.is_chosen:
            require_chosen_collectable(scope, quoted.amount, quoted.currency)
        return
    problem = problem_of_provider(scope, quoted.amount, quoted.currency)
    if problem is not None:
        raise DiscountRefused(f"{quoted.amount} {quoted.currency} would remain to be paid. {problem}")
