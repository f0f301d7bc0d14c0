"""What a payment can be, and what may be believed about it. No framework."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

Environment = Literal["test", "live"]


class PaymentStatus(StrEnum):
    """The state of a payment. ``processing`` is a payment by a method that takes days."""

    PENDING = "pending"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    COMPLETED = "completed"


_RANK = {status: rank for rank, status in enumerate(PaymentStatus)}


def next_status(current: PaymentStatus, reported: PaymentStatus) -> PaymentStatus:
    """Where a payment goes when a provider reports a state.

    A payment only ever rises: reports may come twice and in any order, and the end is the same. Success that
    comes after failure or expiry is believed, because the buyer's money has arrived.
    """
    return max(current, reported, key=_RANK.__getitem__)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a provider says has become of a payment.

    Attributes:
        payment_id: which payment; whoever found it has not yet been believed.
        status: what has become of it.
        environment: where the provider says it happened.
        amount: what was asked of the buyer, in the minor unit of the currency.
        currency: ISO 4217, lower case.
        source: who brings the news: ``webhook``, ``return_page``, ``checkout`` …
        reason: why it failed, for people, where it did.
    """

    payment_id: UUID
    status: PaymentStatus
    environment: Environment
    amount: int
    currency: str
    source: str
    reason: str | None = None


class ProofFailed(Exception):
    """A settlement does not fit the payment it names. It grants nothing; the message says what differs."""


def prove(
    settlement: Settlement, *, provider: str, of_provider: str, environment: str, amount: int, currency: str
) -> None:
    """Make sure that a settlement is about this payment and no other.

    Args:
        provider: who brings the settlement.
        of_provider, environment, amount, currency: the payment's own.

    Raises:
        ProofFailed: something differs.
    """
    expected = {"provider": of_provider, "environment": environment, "amount": amount, "currency": currency}
    reported = {
        "provider": provider,
        "environment": settlement.environment,
        "amount": settlement.amount,
        "currency": settlement.currency,
    }
    differing = [name for name, value in expected.items() if reported[name] != value]
    if differing:
        raise ProofFailed(
            "; ".join(
                f"{name}: the payment says {expected[name]}, the provider {reported[name]}"
                for name in differing
            )
        )
