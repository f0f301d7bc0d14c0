"""What a provider reports of its balance, and the sums of figures. No framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from autonomy_core.tenancy.domain import Environment


class BalanceKind(StrEnum):
    """Why a provider has changed its balance. The sign of the amount gives the direction."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """A change of the organisation's balance at a provider, because of a payment.

    Attributes:
        payment_id: a payment of the organisation and of this provider.
        reference: the provider's id of the change.
        kind: the reason.
        amount: in the minor unit of ``currency``; negative if the balance decreases.
        fee: the part that the provider keeps, in the same unit; negative if it returns a fee.
        currency: the currency of the balance, an ISO 4217 code in lower case. It may differ from the
            payment's.
        at: when the balance changed, timezone-aware.
        available_on: from when the organisation can have the money, timezone-aware; None for unknown.
    """

    payment_id: UUID
    reference: str
    kind: BalanceKind
    amount: int
    fee: int
    currency: str
    at: datetime
    available_on: datetime | None = None

    @property
    def net(self) -> int:
        """The change of the balance."""
        return self.amount - self.fee


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened in a currency; all amounts are in its minor unit.

    Attributes:
        sales: the number of products sold; a bundle counts once for each of its products.
        gross: collected from buyers.
        refunds: given back to buyers, minus what their banks returned.
        disputes: taken by buyers' banks.
        disputes_returned: given back by buyers' banks.
        settled: the changes of the provider's balance, before fees.
        fees: what the provider kept.
    """

    sales: int = 0
    gross: int = 0
    refunds: int = 0
    disputes: int = 0
    disputes_returned: int = 0
    settled: int = 0
    fees: int = 0

    @property
    def total(self) -> int:
        """What remains of the collected money, before fees."""
        return self.gross - self.refunds - self.disputes + self.disputes_returned

    @property
    def net(self) -> int:
        """The changes of the provider's balance, after fees."""
        return self.settled - self.fees

    def __add__(self, other: Sums) -> Sums:
        names = [each.name for each in fields(self)]
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class Figure:
    """The sums of a product, an environment and a currency, in one day or month.

    Attributes:
        period: the first day.
        environment: ``test`` or ``live``.
        currency: an ISO 4217 code in lower case.
        product_id: the product.
        sums: the sums.
    """

    period: date
    environment: Environment
    currency: str
    product_id: UUID
    sums: Sums


def add_up(figures: Iterable[Figure]) -> dict[tuple[Environment, str], Sums]:
    """Return the sums of all figures by environment and currency: these are never added together."""
    totals: dict[tuple[Environment, str], Sums] = {}
    for figure in figures:
        key = (figure.environment, figure.currency)
        totals[key] = totals.get(key, Sums()) + figure.sums
    return dict(sorted(totals.items()))
