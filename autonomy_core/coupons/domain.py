"""What a coupon takes off, and what becomes of it when its payment goes on. No framework."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from autonomy_core.kernel.settlements import PaymentStatus

CODE = re.compile(r"[A-Z0-9_-]{3,40}\Z", re.ASCII)
"""A code, as it is stored: in upper case."""

MISSES, MISSES_PERIOD = 10, timedelta(hours=1)
"""So many wrong codes a customer may try in so much time."""


class RedemptionStatus(StrEnum):
    """What a payment does to a coupon's limits: all but ``released`` count."""

    RESERVED = "reserved"
    USED = "used"
    RELEASED = "released"


def normalised(code: str) -> str | None:
    """A code as it is stored, however it is written; None if it can be no code."""
    upper = code.upper()
    return upper if code.isascii() and CODE.match(upper) else None


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a coupon takes off: a share of the price, or an amount.

    Attributes:
        percent_off: 1 to 100; None where it is an amount.
        amount_off: in the minor unit of a currency, more than 0; None where it is a share.
    """

    percent_off: int | None = None
    amount_off: int | None = None

    def of(self, price: int) -> int:
        """What is taken off a price, never more than the price.

        A share is rounded to the minor unit, halves up, that is in the buyer's favour: 15 % of 0.50 are 0.08.

        Args:
            price: in the minor unit of the currency.
        """
        if self.percent_off is not None:
            return (price * self.percent_off + 50) // 100
        return min(price, self.amount_off or 0)


def is_open(at: datetime, starts_at: datetime | None, ends_at: datetime | None) -> bool:
    """Whether a moment is within a window: from its beginning on, and before its end. None leaves it open."""
    return (starts_at is None or starts_at <= at) and (ends_at is None or at < ends_at)


def redemption_after(collected: PaymentStatus) -> RedemptionStatus:
    """What a coupon's redemption is when collecting its payment has come so far.

    It follows from that alone. Money that arrives after all uses the coupon although it was released, beyond its
    limits if need be: the buyer has paid the reduced price.
    """
    if collected == PaymentStatus.COMPLETED:
        return RedemptionStatus.USED
    given_up = collected in (PaymentStatus.EXPIRED, PaymentStatus.FAILED)
    return RedemptionStatus.RELEASED if given_up else RedemptionStatus.RESERVED


def wait_after_misses(drained_at: datetime, now: datetime) -> int:
    """For how many whole seconds a customer has to wait before they try another code; 0 when they need not.

    Misses fill a leaky bucket. All that it has to remember is the moment at which it will have drained.

    Args:
        drained_at: that moment, this attempt counted.
    """
    return max(0, math.ceil((drained_at - now - MISSES_PERIOD).total_seconds()))
