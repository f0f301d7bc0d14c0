"""The reduction of a coupon, and the status of its redemption as its payment proceeds. No framework."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from autonomy_core.kernel.settlements import PaymentStatus

CODE = re.compile(r"[A-Z0-9_-]{3,40}\Z", re.ASCII)
"""A code as it is stored, in upper case."""


class RedemptionStatus(StrEnum):
    """The effect of a payment on a coupon's limits: all but ``released`` count."""

    RESERVED = "reserved"
    USED = "used"
    RELEASED = "released"


def normalised(code: str) -> str | None:
    """Return a code in its stored form; None if it cannot be a code."""
    upper = code.upper()
    return upper if code.isascii() and CODE.match(upper) else None


@dataclass(frozen=True, slots=True)
class Reduction:
    """The reduction of a coupon: a percentage of the price, or an amount.

    Attributes:
        percent_off: 1 to 100; None for an amount.
        amount_off: in the minor unit of a currency, more than 0; None for a percentage.
    """

    percent_off: int | None = None
    amount_off: int | None = None

    def of(self, price: int) -> int:
        """Return the reduction of a price, at most the price.

        A percentage is rounded to the minor unit, halves up, in the buyer's favour: 15 % of 0.50 are 0.08.

        Args:
            price: in the minor unit of the currency.
        """
        if self.percent_off is not None:
            return (price * self.percent_off + 50) // 100
        return min(price, self.amount_off or 0)


def is_open(at: datetime, starts_at: datetime | None, ends_at: datetime | None) -> bool:
    """Return whether a time is in a window: from its start, and before its end. None means unlimited."""
    return (starts_at is None or starts_at <= at) and (ends_at is None or at < ends_at)


def redemption_after(collected: PaymentStatus) -> RedemptionStatus:
    """Return the status of a coupon's redemption for a status of its payment.

    The redemption depends on the payment's status only. A payment that is completed after its redemption was
    released uses the coupon again, even beyond its limits, because the buyer has paid the reduced price.
    """
    if collected == PaymentStatus.COMPLETED:
        return RedemptionStatus.USED
    given_up = collected in (PaymentStatus.EXPIRED, PaymentStatus.FAILED)
    return RedemptionStatus.RELEASED if given_up else RedemptionStatus.RESERVED
