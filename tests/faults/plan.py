"""The plan of a run, decided by a seed: the purchases, their outcomes, and the kills."""

from dataclasses import dataclass
from random import Random

from tests.faults.installation import DATABASE, PRODUCTS, SHOPS

FATES = {
    "paid": 30,
    "paid_after_a_double_click": 10,
    "paid_after_a_declined_card": 6,
    "paid_by_a_debit": 8,
    "returned_by_the_bank": 6,
    "abandoned": 6,
    "expired": 6,
    "refunded": 6,
    "refunded_in_two_parts": 5,
    "refunded_late": 4,
    "refunded_in_vain": 4,
    "refunded_at_stripe": 4,
    "disputed": 4,
    "disputed_and_won": 4,
    "disputed_and_lost": 4,
}
"""The outcomes of a purchase with their weights; each is a method of `buyer.Buyer`."""

VICTIMS = ("server", DATABASE, "simulator", "worker", "mail")


@dataclass(frozen=True)
class Customer:
    """The customers of a shop.

    Attributes:
        fates: of the purchases, one for each product.
    """

    shop: str
    name: str
    fates: tuple[str, ...]

    @property
    def email(self):
        return f"{self.name}@example.org"


@dataclass(frozen=True)
class Kill:
    """After this number of moments (a purchase has two): wait, kill the victim, keep it dead for a while."""

    moment: int
    wait_s: float
    victim: str
    dead_s: float


@dataclass(frozen=True)
class Plan:
    """Args: a seed, how many purchases each shop has, and how many kills there are."""

    seed: str
    purchases: int
    kills: int

    def customers(self):
        """The customers of all shops, those of one beside those of the others."""
        random = Random(f"{self.seed}/customers")
        fates = {shop: random.choices(list(FATES), FATES.values(), k=self.purchases) for shop in SHOPS}
        return [
            Customer(shop, f"buyer{number}.{self.seed}", tuple(fates[shop][first : first + PRODUCTS]))
            for number, first in enumerate(range(0, self.purchases, PRODUCTS))
            for shop in SHOPS
        ]

    def schedule(self):
        """The kills in their order. Every process is killed once before any is killed again."""
        random = Random(f"{self.seed}/kills")
        moments = sorted(random.choices(range(1, 2 * len(SHOPS) * self.purchases), k=self.kills))
        victims = []
        while len(victims) < self.kills:
            victims += random.sample(VICTIMS, k=len(VICTIMS))
        return [
            Kill(moment, random.uniform(0, 0.3), victim, random.uniform(0, 1.5))
            for moment, victim in zip(moments, victims, strict=False)
        ]
