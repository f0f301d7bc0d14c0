"""The rule for giving a bonus."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Offer:
    """The bonus of an organisation.

    Attributes:
        product_id: the bonus product.
        minimum_amount: the minimum payment, in the minor unit of the currency.
    """

    product_id: UUID
    minimum_amount: int

    def is_earned_by(self, product_ids: Collection[UUID], amount: int) -> bool:
        """Return whether buying products for an amount earns the bonus. Buying the bonus itself does not."""
        return self.product_id not in product_ids and amount >= self.minimum_amount
