"""A payment, and what its provider reports about it. This module imports no framework."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from autonomy_core.tenancy.domain import Environment


class PaymentStatus(StrEnum):
    """The status of a payment. ``processing`` means that the payment method takes days."""

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
    """The status of a refund, in the order of progress. ``requested``: not accepted by the provider yet."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def returns_money(self) -> bool:
        """Whether the money is on its way to the buyer, or has arrived."""
        return self in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


class DisputeStatus(StrEnum):
    """The status of a dispute, in the order of progress. An ``inquiry`` of the bank takes no money."""

    INQUIRY = "inquiry"
    OPEN = "open"
    LOST = "lost"
    WON = "won"


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """A payment, as the rules of settlement and hooks see it.

    Attributes:
        id: the payment's id.
        customer_id: the customer who paid.
        product_id: the product or bundle.
        product_kind: the kind of the product; ``bundle`` for several products at one price, which are in
            `PaymentCompleted.items`.
        amount: the paid amount, after any discount, in the minor unit of the currency.
        currency: an ISO 4217 code in lower case.
        environment: ``test`` or ``live``. A test payment grants nothing in live.
        provider: the name of the payment provider's plugin.
        completed_at: when it was completed, timezone-aware; None before.
    """

    id: UUID
    customer_id: UUID
    product_id: UUID
    product_kind: str
    amount: int
    currency: str
    environment: Environment
    provider: str
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """A refund, as hooks see it.

    Attributes:
        id: the refund's id.
        amount: the refunded amount, in the minor unit of the payment's currency.
        status: ``pending`` until the buyer has the money, then ``succeeded``; ``failed`` if the bank refused
            it later.
        items: the ids of the refunded products; empty for a refund of an amount.
    """

    id: UUID
    amount: int
    status: RefundStatus
    items: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A dispute, as hooks see it.

    Attributes:
        id: the dispute's id.
        reference: the provider's id of the dispute.
        status: the status that was reported.
        reason: the provider's reason, for people; None if it gave none.
    """

    id: UUID
    reference: str
    status: DisputeStatus
    reason: str | None


@dataclass(frozen=True, slots=True)
class RefundReport:
    """A provider's report of a refund, which the server, the provider or its dashboard may have initiated.

    Attributes:
        reference: the provider's id of the refund.
        amount: in the minor unit of the currency.
        currency: the payment's currency, an ISO 4217 code in lower case.
        status: the status of the refund.
        refund_id: our id, if we requested the refund and the provider reports the id.
        reason: the provider's reason for the refund or for its failure.
        items: the ids of the refunded products, if the provider reports them.
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
    """A provider's report of a dispute.

    Attributes:
        reference: the provider's id of the dispute.
        amount: in the minor unit of the currency.
        currency: an ISO 4217 code in lower case. It may differ from the payment's currency.
        status: the status of the dispute.
        reason: the provider's reason.
    """

    reference: str
    amount: int
    currency: str
    status: DisputeStatus
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A provider's report of a payment.

    Attributes:
        payment_id: the payment that the report names. It is not verified yet.
        status: the progress of collecting the money, one of `COLLECTING`; None if the report is about
            something else.
        environment: the environment that the provider reports.
        amount: the amount requested from the buyer, in the minor unit of the currency; None if it is not
            reported.
        currency: an ISO 4217 code in lower case.
        source: the origin of the report: ``webhook``, ``return_page``, ``checkout`` …
        reason: the reason of a failure, for people.
        refunds: reported refunds.
        disputes: reported disputes.
        tax: the tax that ``amount`` contains, in the same unit; None if it is not reported. It is recorded
            when the payment completes.
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
    tax: int | None = None
