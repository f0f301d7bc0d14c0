"""The members of a refund, a dispute and a failed attempt that are read. No framework, no SDK.

Source: https://docs.stripe.com/api/refunds/object, https://docs.stripe.com/api/disputes/object,
https://docs.stripe.com/api/charges/object and https://docs.stripe.com/api/payment_intents/object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from stripe_payments.api.words import ITEMS
from stripe_payments.domain import (
    Comparison,
    Environment,
    Lookup,
    NotUnderstood,
    Recorded,
    amount_of,
    id_of,
    optional_id,
    optional_text,
    require_agreement,
    text_of,
    uuid_of,
)

T = TypeVar("T")
RefundOutcome = Literal["pending", "succeeded", "failed"]
DisputeOutcome = Literal["inquiry", "open", "won", "lost"]

REFUND_OUTCOMES: Mapping[str, RefundOutcome] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
DISPUTE_OUTCOMES: Mapping[str, DisputeOutcome] = {
    # An inquiry of the bank: no money has moved, and none will if the seller answers it.
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry",
    "prevented": "inquiry",
    "needs_response": "open",
    "under_review": "open",
    "won": "won",
    "lost": "lost",
    # The bank keeps the money until the appeal is won.
    "appeal_needs_response": "lost",
    "appeal_under_review": "lost",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The members that identify the payment of a refund, a dispute, a charge or a payment intent.

    Attributes:
        payment_intent_id: None for a charge without one, which this server did not create.
        organisation_id, payment_id: from the metadata, which the server wrote.
    """

    payment_intent_id: str | None
    organisation_id: str | None
    payment_id: UUID | None


@dataclass(frozen=True, slots=True)
class RefundObject:
    """A refund; the amount is in the minor unit of the currency.

    ``refund_id`` is the server's own id, if the server created the refund; ``items`` are the refunded
    products, if the server named them.
    """

    id: str
    subject: Subject
    amount: int
    currency: str
    outcome: RefundOutcome
    reason: str | None
    refund_id: UUID | None
    items: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class DisputeObject:
    """A dispute; the amount is in the minor unit of the currency."""

    id: str
    subject: Subject
    amount: int
    currency: str
    outcome: DisputeOutcome
    reason: str | None


def parse_refund(refund: Mapping[str, Any]) -> RefundObject:
    """Parse a refund from an event or from Stripe's API.

    Raises:
        NotUnderstood: it is not a refund, or its status is unknown.
    """
    _require(refund, "refund")
    currency = text_of(refund, "currency")
    outcome = _known(REFUND_OUTCOMES, text_of(refund, "status"))
    reason = optional_text(refund.get("failure_reason" if outcome == "failed" else "reason"))
    return RefundObject(
        id=id_of(refund),
        subject=subject_of(refund),
        amount=amount_of(refund, "amount", currency),
        currency=currency,
        outcome=outcome,
        reason=reason,
        refund_id=uuid_of(_metadata(refund).get("refund_id")),
        items=_items_in(_metadata(refund)),
    )


def _items_in(metadata: Mapping[str, Any]) -> frozenset[UUID]:
    values = (value for name, value in metadata.items() if name.startswith(ITEMS) and isinstance(value, str))
    found = (uuid_of(each) for value in values for each in value.split(","))
    return frozenset(each for each in found if each is not None)


def parse_dispute(dispute: Mapping[str, Any]) -> DisputeObject:
    """Parse a dispute from an event or from Stripe's API.

    Raises:
        NotUnderstood: it is not a dispute, or its status is unknown.
    """
    _require(dispute, "dispute")
    currency = text_of(dispute, "currency")
    return DisputeObject(
        id=id_of(dispute),
        subject=subject_of(dispute),
        amount=amount_of(dispute, "amount", currency),
        currency=currency,
        outcome=_known(DISPUTE_OUTCOMES, text_of(dispute, "status")),
        reason=optional_text(dispute.get("reason")),
    )


def refunded_by(charge: Mapping[str, Any]) -> int:
    """Return the refunded amount of a charge, in the minor unit of its currency.

    Raises:
        NotUnderstood: it is not a charge.
    """
    _require(charge, "charge")
    return amount_of(charge, "amount_refunded", text_of(charge, "currency"))


def failure_of(payment_intent: Mapping[str, Any]) -> tuple[str, dict[str, str | None]]:
    """Return the failed attempt to pay, and Stripe's codes for the reason, which contain no personal data.

    Raises:
        NotUnderstood: it is not a payment intent.
    """
    _require(payment_intent, "payment_intent")
    error = payment_intent.get("last_payment_error")
    found: Mapping[str, Any] = error if isinstance(error, dict) else {}
    attempt = optional_id(payment_intent.get("latest_charge")) or id_of(payment_intent)
    return attempt, {name: optional_text(found.get(name)) for name in ("code", "decline_code", "type")}


def subject_of(stripe_object: Mapping[str, Any]) -> Subject:
    """Return the members that identify the payment of an object."""
    metadata = _metadata(stripe_object)
    is_intent = stripe_object.get("object") == "payment_intent"
    return Subject(
        payment_intent_id=optional_id(stripe_object.get("id" if is_intent else "payment_intent")),
        organisation_id=optional_text(metadata.get("organisation_id")),
        payment_id=uuid_of(metadata.get("payment_id")),
    )


def lookups(subject: Subject) -> Iterator[Lookup]:
    """Yield the ways to find a subject's payment, in the order in which they are tried."""
    if subject.payment_intent_id is not None:
        yield Lookup("payment_intent", "payment_intent_id", subject.payment_intent_id)
    if subject.payment_id is not None:
        yield Lookup("metadata", "payment_id", subject.payment_id)


def _metadata(stripe_object: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = stripe_object.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _require(stripe_object: Mapping[str, Any], kind: str) -> None:
    if stripe_object.get("object") != kind:
        raise NotUnderstood(f"this is no {kind}")


def _known(outcomes: Mapping[str, T], status: str) -> T:
    try:
        return outcomes[status]
    except KeyError:
        raise NotUnderstood(f"status is {status!r}") from None


def check_subject(subject: Subject, environment: Environment, recorded: Recorded) -> None:
    """Check that an object belongs to a payment. The core compares its amount.

    Args:
        subject: the object's members.
        environment: the environment of the secret or key that authenticated the object.
        recorded: the payment that a lookup found.

    Raises:
        NotBelieved: something differs; the message lists all differences.
    """
    require_agreement("object", subject_binding(subject, environment, recorded))


def subject_binding(subject: Subject, environment: Environment, recorded: Recorded) -> Comparison:
    """Return the comparison of an object with a payment; arguments as for `check_subject`."""
    return {
        "organisation": (recorded.organisation_id, subject.organisation_id),
        "environment": (recorded.environment, environment),
        "payment": (recorded.payment_id, subject.payment_id),
        "payment intent": (recorded.payment_intent_id, subject.payment_intent_id),
    }
