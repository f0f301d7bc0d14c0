"""When a purchase brings a bonus."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """A bonus that an organisation gives.

    Attributes:
        product_id: what is given.
        minimum_amount: what has to be paid for it, in the minor unit of the currency.
    """

    product_id: UUID
    minimum_amount: int

    def is_earned_by(self, product_ids: Collection[UUID], amount: int) -> bool:
        """Whether buying products for an amount brings the bonus; buying the bonus itself does not."""
        return self.product_id not in product_ids and amount >= self.minimum_amount
