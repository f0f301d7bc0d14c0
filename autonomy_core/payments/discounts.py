"""What a purchase asks of discounts, and why one is refused; `autonomy_core.kernel.protocols.Discounts` takes it off."""

from __future__ import annotations

from autonomy_core.errors import Conflict, InvalidInput
from autonomy_core.kernel.protocols import Discounts, Quote
from autonomy_core.kernel.scope import TenantScope


class CouponNotValid(InvalidInput):
    """There is no such coupon, or it is not for this purchase.

    The answer does not say which, so that whoever guesses learns only of codes that they could use. The attempt is
    kept, because it counts.
    """

    code, title = "coupon_not_valid", "This coupon is not valid for this purchase"
    commits = True


class CouponUsedUp(Conflict):
    """The coupon has been used, or is reserved, as often as it may be."""

    code, title = "coupon_used_up", "This coupon has been used up"


class DiscountRefused(Conflict):
    """The payment provider would not collect what the coupon leaves to be paid."""

    code, title = "discount_refused", "What the coupon leaves to be paid cannot be collected"


def discounts_of(scope: TenantScope) -> Discounts:
    """What takes something off a price here."""
    return scope.runtime.discounts


def require_collectable(scope: TenantScope, quoted: Quote) -> None:
    """Make sure that what a coupon leaves to be paid can be collected; prices were looked at when they were set.

    Raises:
        DiscountRefused
    """
    provider = scope.runtime.payment_provider_for(scope.organisation)
    if quoted.coupon is None or not quoted.amount or provider is None:
        return
    problem = provider.price_problem(scope.organisation, quoted.amount, quoted.currency)
    if problem is not None:
        raise DiscountRefused(f"{quoted.amount} {quoted.currency} would be left to pay. {problem}")
