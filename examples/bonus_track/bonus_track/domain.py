"""When a purchase brings a bonus."""

from __future__ import annotations

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

    def is_earned_by(self, product_id: UUID, amount: int) -> bool:
        """Whether buying a product for an amount brings the bonus; buying the bonus itself does not."""
        return product_id != self.product_id and amount >= self.minimum_amount
