"""What a payment can be, and what may be believed about it. No framework."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from autonomy_core.kernel.settlements import DisputeStatus, PaymentStatus, RefundStatus, Settlement
from autonomy_core.tenancy.domain import AfterDispute, AfterRefund

COLLECTING = (
    PaymentStatus.PENDING,
    PaymentStatus.PROCESSING,
    PaymentStatus.EXPIRED,
    PaymentStatus.FAILED,
    PaymentStatus.COMPLETED,
)
"""The states of collecting the money, as they rise. All others are what became of money that had arrived."""

MOST_DISPUTED = 2**63 - 1
"""The largest amount of a dispute that the database keeps; it may be in another currency than the payment's."""

UNPAID = COLLECTING[:-1]
"""The states in which no money has arrived."""

OPEN = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
"""The states that do not last: the provider is asked about them."""


_RISING = {
    rising: {status: rank for rank, status in enumerate(states)}
    for rising, states in (
        (PaymentStatus, COLLECTING),
        (RefundStatus, tuple(RefundStatus)),
        (DisputeStatus, tuple(DisputeStatus)),
    )
}


def collected(status: PaymentStatus) -> PaymentStatus:
    """How far the money of a payment has come, whatever became of it afterwards."""
    return status if status in COLLECTING else PaymentStatus.COMPLETED


def next_collected(current: PaymentStatus, reported: PaymentStatus) -> PaymentStatus:
    """Where collecting a payment goes when a provider reports a state.

    It only ever rises: reports may come twice and in any order, and the end is the same. Success that comes
    after failure or expiry is believed, because the buyer's money has arrived.
    """
    return max(collected(current), reported, key=_RISING[PaymentStatus].__getitem__)


def next_refund(current: RefundStatus, reported: RefundStatus) -> RefundStatus:
    """Where a refund goes; it only ever rises. One that had succeeded can still fail, at the buyer's bank."""
    return max(current, reported, key=_RISING[RefundStatus].__getitem__)


def next_dispute(current: DisputeStatus, reported: DisputeStatus) -> DisputeStatus:
    """Where a dispute goes; it only ever rises. One that was lost can still be won, when the bank gives in."""
    return max(current, reported, key=_RISING[DisputeStatus].__getitem__)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as far as a payment's state depends on it; the amount is in the payment's minor unit.

    Attributes:
        items: the products that it is for; none where it is of an amount.
    """

    amount: int
    status: RefundStatus
    items: frozenset[UUID] = frozenset()

    @property
    def counts(self) -> bool:
        """Whether the money goes back to the buyer."""
        return self.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)

    @property
    def reserves(self) -> bool:
        """Whether the money can be refunded no second time."""
        return self.status != RefundStatus.FAILED


@dataclass(frozen=True, slots=True)
class PaymentState:
    """Everything that a payment's status and its buyer's access follow from.

    Attributes:
        amount: what was paid, in the minor unit of the currency.
    """

    collected: PaymentStatus
    amount: int
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[DisputeStatus, ...] = ()

    @property
    def refunded(self) -> int:
        """How much goes back to the buyer, in the minor unit; never more than was paid."""
        return min(self._reported, self.amount)

    @property
    def contradicts_itself(self) -> bool:
        """Whether the refunds are more than was paid: one of them has failed, and that has not been reported yet."""
        return self._reported > self.amount

    @property
    def _reported(self) -> int:
        return sum(refund.amount for refund in self.refunds if refund.counts)

    @property
    def refundable(self) -> int:
        """How much can still be refunded, in the minor unit."""
        return self.amount - sum(refund.amount for refund in self.refunds if refund.reserves)

    @property
    def items_refunded(self) -> frozenset[UUID]:
        """The products for which money goes back."""
        return frozenset().union(*(refund.items for refund in self.refunds if refund.counts))

    @property
    def items_spoken_for(self) -> frozenset[UUID]:
        """The products that can be refunded no second time."""
        return frozenset().union(*(refund.items for refund in self.refunds if refund.reserves))

    @property
    def disputed(self) -> bool:
        """Whether the buyer's bank has the money now, and has not decided."""
        return DisputeStatus.OPEN in self.disputes

    @property
    def status(self) -> PaymentStatus:
        """The one word for it. Until the money has arrived, nothing else counts."""
        if self.collected != PaymentStatus.COMPLETED:
            return self.collected
        if self.disputed:
            return PaymentStatus.DISPUTED
        if DisputeStatus.LOST in self.disputes:
            return PaymentStatus.DISPUTE_LOST
        if self.refunded:
            whole = self.refunded >= self.amount
            return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
        return PaymentStatus.DISPUTE_WON if DisputeStatus.WON in self.disputes else PaymentStatus.COMPLETED


def reason_to_revoke(
    state: PaymentState, *, after_refund: AfterRefund, after_dispute: AfterDispute
) -> str | None:
    """Why the buyer may no longer have anything that was granted for a payment; None while they may.

    A refund of an amount that is not the whole takes nothing away, and one of items only these, see
    `items_to_revoke`. It follows from the present state alone, so that it comes out alike in whichever order things
    became known.

    Args:
        after_refund, after_dispute: what the organisation wants.
    """
    if after_dispute != "keep" and DisputeStatus.OPEN in state.disputes:
        return "disputed"
    if after_dispute != "keep" and DisputeStatus.LOST in state.disputes:
        return "dispute lost"
    if after_dispute == "revoke" and DisputeStatus.WON in state.disputes:
        return "disputed"
    if after_refund == "revoke" and 0 < state.amount <= state.refunded:
        return "refunded"
    return None


def items_to_revoke(state: PaymentState, *, after_refund: AfterRefund) -> frozenset[UUID]:
    """Which products the buyer may no longer have, although they may have the rest.

    It follows from the present state alone.
    """
    return state.items_refunded if after_refund == "revoke" else frozenset()


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide what was paid among products in proportion to their weights, so that nothing is lost or added.

    Each gets its exact share, rounded down; what is left over goes, one minor unit each, to those whose share was
    rounded by most, the earlier first (the method of the largest remainder).

    Args:
        amount: in the minor unit of the currency, not negative.
        weights: not negative, at least one; where all are 0 they count alike.
    """
    total = sum(weights)
    if not total:
        return shares(amount, [1] * len(weights))
    divided = [divmod(amount * weight, total) for weight in weights]
    left_over = amount - sum(whole for whole, _ in divided)
    by_remainder = sorted(range(len(weights)), key=lambda place: -divided[place][1])
    favoured = set(by_remainder[:left_over])
    return [whole + (place in favoured) for place, (whole, _) in enumerate(divided)]


class ProofFailed(Exception):
    """A settlement does not fit the payment it names. It changes nothing; the message says what differs."""


def prove(
    settlement: Settlement, *, provider: str, of_provider: str, environment: str, amount: int, currency: str
) -> None:
    """Make sure that a settlement is about this payment and no other.

    Args:
        provider: who brings the settlement.
        of_provider, environment, amount, currency: the payment's own.

    Raises:
        ProofFailed: something differs, or a refund or a dispute has an amount that cannot be.
    """
    differing = [
        f"{name}: the payment says {ours}, the provider {theirs}"
        for name, ours, theirs in (
            ("provider", of_provider, provider),
            ("environment", environment, settlement.environment),
            ("amount", amount, amount if settlement.amount is None else settlement.amount),
            *(("currency", currency, named) for named in _currencies(settlement)),
        )
        if ours != theirs
    ]
    differing += _impossible_amounts(settlement, amount)
    if settlement.status is not None and settlement.status not in COLLECTING:
        differing.append(f"status: {settlement.status} is not a state of collecting")
    if differing:
        raise ProofFailed("; ".join(differing))


def _impossible_amounts(settlement: Settlement, paid: int) -> Iterable[str]:
    """The amounts that no later report can make right, a sentence each."""
    for refund in settlement.refunds:
        if not 0 < refund.amount <= paid:
            yield f"refund {refund.reference}: {refund.amount} of {paid} cannot go back"
    for dispute in settlement.disputes:
        if not 0 <= dispute.amount <= MOST_DISPUTED:
            yield f"dispute {dispute.reference}: {dispute.amount} cannot be disputed"


def _currencies(settlement: Settlement) -> Iterable[str]:
    # Not a dispute's: its amount may be in the account's currency, and is not compared with anything.
    return dict.fromkeys([settlement.currency, *(refund.currency for refund in settlement.refunds)])
