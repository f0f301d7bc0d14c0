"""The states of a payment, and the checks and decisions of its settlement. No framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from autonomy_core.kernel.settlements import (
    DisputeStatus,
    PaymentFacts,
    PaymentStatus,
    RefundStatus,
    Settlement,
)
from autonomy_core.tenancy.domain import AfterDispute, AfterRefund

COLLECTING = (
    PaymentStatus.PENDING,
    PaymentStatus.PROCESSING,
    PaymentStatus.EXPIRED,
    PaymentStatus.FAILED,
    PaymentStatus.COMPLETED,
)
"""The states of collecting the money, in ascending order.

All other states follow after the money has arrived.
"""

MOST_DISPUTED = 2**63 - 1
"""The largest amount of a dispute that the database can store. Its currency may differ from the payment's."""

UNPAID = COLLECTING[:-1]
"""The states in which no money has arrived."""

OPEN = (PaymentStatus.PENDING, PaymentStatus.PROCESSING)
"""The states that are not final: the provider is queried about them."""


_RISING = {
    rising: {status: rank for rank, status in enumerate(states)}
    for rising, states in (
        (PaymentStatus, COLLECTING),
        (RefundStatus, tuple(RefundStatus)),
        (DisputeStatus, tuple(DisputeStatus)),
    )
}


def collected(status: PaymentStatus) -> PaymentStatus:
    """Return the state of collecting the money, without refunds and disputes."""
    return status if status in COLLECTING else PaymentStatus.COMPLETED


def next_collected(current: PaymentStatus, reported: PaymentStatus) -> PaymentStatus:
    """Return the next state of collecting a payment after a report.

    The state only rises, because reports may be repeated and reordered. A success after a failure or expiry
    is accepted, because the buyer's money has arrived.
    """
    return max(collected(current), reported, key=_RISING[PaymentStatus].__getitem__)


def next_refund(current: RefundStatus, reported: RefundStatus) -> RefundStatus:
    """Return the next state of a refund, which only rises.

    A refund that has succeeded can still fail at the bank.
    """
    return max(current, reported, key=_RISING[RefundStatus].__getitem__)


def next_dispute(current: DisputeStatus, reported: DisputeStatus) -> DisputeStatus:
    """Return the next state of a dispute, which only rises. A lost dispute can still be won."""
    return max(current, reported, key=_RISING[DisputeStatus].__getitem__)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund, as far as it affects a payment's state. The amount is in the payment's minor unit.

    Attributes:
        amount: the refunded amount.
        status: the refund's status.
        items: the refunded products; empty for a refund of an amount.
    """

    amount: int
    status: RefundStatus
    items: frozenset[UUID] = frozenset()

    @property
    def counts(self) -> bool:
        """Whether the money is returned to the buyer."""
        return self.status.returns_money

    @property
    def reserves(self) -> bool:
        """Whether the money cannot be refunded again."""
        return self.status != RefundStatus.FAILED


@dataclass(frozen=True, slots=True)
class PaymentState:
    """The data that determines a payment's status and its buyer's access.

    Attributes:
        collected: the state of collecting the money.
        amount: the paid amount, in the minor unit of the currency.
        refunds: the refunds.
        disputes: the statuses of the disputes.
    """

    collected: PaymentStatus
    amount: int
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[DisputeStatus, ...] = ()

    @property
    def refunded(self) -> int:
        """The refunded amount in the minor unit, at most the paid amount."""
        return min(self._reported, self.amount)

    @property
    def contradicts_itself(self) -> bool:
        """Whether more was refunded than paid: a refund must have failed, which has not been reported yet."""
        return self._reported > self.amount

    @property
    def _reported(self) -> int:
        return sum(refund.amount for refund in self.refunds if refund.counts)

    @property
    def refundable(self) -> int:
        """The amount that can still be refunded, in the minor unit."""
        return self.amount - sum(refund.amount for refund in self.refunds if refund.reserves)

    @property
    def items_refunded(self) -> frozenset[UUID]:
        """The refunded products."""
        return frozenset().union(*(refund.items for refund in self.refunds if refund.counts))

    @property
    def items_spoken_for(self) -> frozenset[UUID]:
        """The products that cannot be refunded again."""
        return frozenset().union(*(refund.items for refund in self.refunds if refund.reserves))

    @property
    def disputed(self) -> bool:
        """Whether the buyer's bank holds the money and has not decided yet."""
        return DisputeStatus.OPEN in self.disputes

    @property
    def status(self) -> PaymentStatus:
        """The payment's status. Before the money has arrived, it is the state of collecting."""
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
    """Return why the buyer loses all grants of a payment; None if not.

    A refund of part of the amount revokes nothing, and a refund of items revokes only these items, see
    `items_to_revoke`. The result depends on the current state only, and not on the order of the reports.

    Args:
        state: the payment's state.
        after_refund, after_dispute: the organisation's settings.
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
    """Return the products that the buyer loses while keeping the others.

    The result depends on the current state only.
    """
    return state.items_refunded if after_refund == "revoke" else frozenset()


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide a paid amount among products in proportion to their weights, without a rest.

    Each product gets its exact share, rounded down. The rest is distributed, one minor unit each, to the
    products with the largest remainders, earlier products first (the largest remainder method).

    Args:
        amount: in the minor unit of the currency, not negative.
        weights: not negative, at least one; if all are 0, all products count equally.
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
    """A settlement does not match the payment that it names.

    It changes nothing; the message gives the differences.
    """


def prove(settlement: Settlement, payment: PaymentFacts, *, provider: str) -> None:
    """Check that a settlement belongs to a payment.

    Args:
        settlement: the settlement.
        payment: the payment.
        provider: the provider that reported the settlement.

    Raises:
        ProofFailed: something differs, or a tax, a refund or a dispute has an impossible amount.
    """
    differing = [
        f"{name}: the payment says {ours}, the provider {theirs}"
        for name, ours, theirs in (
            ("provider", payment.provider, provider),
            ("environment", payment.environment, settlement.environment),
            ("amount", payment.amount, payment.amount if settlement.amount is None else settlement.amount),
            *(("currency", payment.currency, named) for named in _currencies(settlement)),
        )
        if ours != theirs
    ]
    differing += _impossible_amounts(settlement, payment.amount)
    if settlement.tax is not None and not 0 <= settlement.tax <= payment.amount:
        differing.append(f"tax: {settlement.tax} is no part of {payment.amount}")
    if settlement.status is not None and settlement.status not in COLLECTING:
        differing.append(f"status: {settlement.status} is not a state of collecting")
    if differing:
        raise ProofFailed("; ".join(differing))


def _impossible_amounts(settlement: Settlement, paid: int) -> Iterable[str]:
    """Yield one sentence for each amount that no later report can correct."""
    for refund in settlement.refunds:
        if not 0 < refund.amount <= paid:
            yield f"refund {refund.reference}: {refund.amount} of {paid} cannot go back"
    for dispute in settlement.disputes:
        if not 0 <= dispute.amount <= MOST_DISPUTED:
            yield f"dispute {dispute.reference}: {dispute.amount} cannot be disputed"


def _currencies(settlement: Settlement) -> Iterable[str]:
    # Not a dispute's currency: its amount may be in the account's currency, and is not compared.
    return dict.fromkeys([settlement.currency, *(refund.currency for refund in settlement.refunds)])


@dataclass(frozen=True, slots=True)
class Decision:
    """The changes of a payment by a settlement, as `decide` returns them.

    Attributes:
        before: the payment's status before.
        status: the payment's status after.
        state: the payment's state after.
        settlement: the report.
        has_news: whether new refunds or disputes were reported.
    """

    before: PaymentStatus
    status: PaymentStatus
    state: PaymentState
    settlement: Settlement
    has_news: bool

    @property
    def changes_status(self) -> bool:
        """Whether the payment's status changes."""
        return self.status != self.before

    @property
    def changes_anything(self) -> bool:
        """Whether there are changes to write."""
        return self.has_news or self.changes_status

    @property
    def advances(self) -> bool:
        """Whether the state of collecting changes."""
        return self.state.collected != collected(self.before)

    @property
    def completes(self) -> bool:
        """Whether the money has arrived now, so that the hooks run."""
        return self.advances and self.state.collected == PaymentStatus.COMPLETED

    @property
    def must_be_checked(self) -> bool:
        """Whether the provider must be queried, because it reported more refunds than were paid."""
        return self.has_news and self.state.contradicts_itself

    @property
    def moved(self) -> dict[str, str]:
        """The change of the status, for the journal and the log."""
        return {"before": self.before.value, "after": self.status.value, "source": self.settlement.source}

    def columns(self, at: datetime) -> Mapping[str, Any]:
        """Return the changed columns of the payment with their values.

        Args:
            at: the current time, with a time zone.
        """
        written: dict[str, Any] = {"status": self.status, "refunded_amount": self.state.refunded}
        if self.advances:
            written["settled_by"] = self.settlement.source
            written["failure_reason"] = None if self.completes else self.settlement.reason
        if self.completes:
            written["completed_at"] = at
        return written


def decide(
    before: PaymentStatus, state: PaymentState, settlement: Settlement, *, has_news: bool = False
) -> Decision:
    """Decide the changes of a settlement that `prove` has accepted.

    Args:
        before: the payment's status.
        state: the payment's state, including the reported refunds and disputes.
        settlement: the report.
        has_news: whether any of these refunds and disputes is new.
    """
    if settlement.status is not None:
        now = next_collected(state.collected, settlement.status)
        state = PaymentState(now, state.amount, state.refunds, state.disputes)
    return Decision(before, state.status, state, settlement, has_news)
