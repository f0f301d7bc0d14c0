"""What a payment provider reports. No framework."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from autonomy_core.tenancy.domain import Environment


class PaymentStatus(StrEnum):
    """The state of a payment. ``processing`` is a payment by a method that takes days."""

    PENDING = "pending"
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    COMPLETED = "completed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


class RefundStatus(StrEnum):
    """The state of a refund, as it rises. ``requested`` is one that the provider has not yet taken."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """The state of a dispute, as it rises. An ``inquiry`` is a question of the buyer's bank that takes no money."""

    INQUIRY = "inquiry"
    OPEN = "open"
    LOST = "lost"
    WON = "won"


@dataclass(frozen=True, slots=True)
class RefundReport:
    """What a provider says of a refund, whoever asked for it.

    Attributes:
        reference: the provider's own id of it.
        amount: in the minor unit of the payment's currency.
        refund_id: ours, where we asked for it and the provider says so.
        reason: why, in the provider's words; or why it failed.
        items: the products that it is for, as far as the provider says so.
    """

    reference: str
    amount: int
    currency: str
    status: RefundStatus
    refund_id: UUID | None = None
    reason: str | None = None
    items: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class DisputeReport:
    """What a provider says of a dispute.

    Attributes:
        reference: the provider's own id of it.
        amount: in the minor unit of the currency, which need not be the payment's.
        reason: why, in the provider's words.
    """

    reference: str
    amount: int
    currency: str
    status: DisputeStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a provider says has become of a payment.

    Attributes:
        payment_id: which payment; whoever found it has not yet been believed.
        status: how far collecting it has come, one of `COLLECTING`; None where the news is not about that.
        environment: where the provider says it happened.
        amount: what was asked of the buyer, in the minor unit of the currency; None where the news does not say.
        currency: ISO 4217, lower case.
        source: who brings the news: ``webhook``, ``return_page``, ``checkout`` …
        reason: why it failed, for people, where it did.
        refunds, disputes: those that the news is about.
    """

    payment_id: UUID
    status: PaymentStatus | None
    environment: Environment
    amount: int | None
    currency: str
    source: str
    reason: str | None = None
    refunds: tuple[RefundReport, ...] = ()
    disputes: tuple[DisputeReport, ...] = ()
