"""What may be read in a checkout session, and believed of it. No framework, no SDK.

Source: https://docs.stripe.com/api/events/object, https://docs.stripe.com/api/checkout/sessions/object and
https://docs.stripe.com/payments/checkout/fulfill-orders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from stripe_payments.api.amounts import InexactAmount, from_stripe

Environment = Literal["test", "live"]
Outcome = Literal["processing", "expired", "failed", "completed"]
"""What can become of a payment, in the core's words."""

SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"
COMPLETED = "checkout.session.completed"
CHECKOUT_EVENTS = frozenset({COMPLETED, SUCCEEDED, FAILED, EXPIRED})
"""The events that end a checkout session."""

ATTEMPT_FAILED = "payment_intent.payment_failed"
CHARGE_REFUNDED = "charge.refunded"
REFUND_EVENTS = frozenset({"refund.created", "refund.updated", "refund.failed"})
DISPUTE_EVENTS = frozenset(
    f"charge.dispute.{what}"
    for what in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
)
HANDLED_EVENTS = CHECKOUT_EVENTS | REFUND_EVENTS | DISPUTE_EVENTS | {ATTEMPT_FAILED, CHARGE_REFUNDED}
"""The events that a webhook endpoint is made for. Others are stored and ignored."""

_OBJECT_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
"""Shorter than what PostgreSQL takes into an index."""


class NotUnderstood(ValueError):
    """What was sent is signed, and yet no event, or about nothing that we know. The message says which."""


class NotBelieved(ValueError):
    """A checkout session does not agree with the payment that it names. The message says in what."""


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """What a checkout session says of itself. None of it is believed before `check_binding`.

    Attributes:
        amount: in the minor unit of the currency.
        organisation_id, payment_id: from the metadata, where we wrote them.
        client_reference_id: the payment's id once more.
        payment_intent_status: only where the payment intent was expanded.
    """

    id: str
    environment: Environment
    amount: int
    currency: str
    status: str
    payment_status: str
    organisation_id: str | None
    payment_id: UUID | None
    client_reference_id: UUID | None
    payment_intent_id: str | None
    payment_intent_status: str | None


Comparison = Mapping[str, tuple[Any, Any]]
"""By name, what the payment has and what Stripe says; None where a side says nothing."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to find the payment of a session: its name, and the value that a column has."""

    strategy: Literal["session_id", "client_reference_id", "metadata", "payment_intent"]
    column: Literal["session_id", "payment_id", "payment_intent_id"]
    value: str | UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """What we know of the payment that was found; Stripe's ids are None until they have been noted."""

    organisation_id: str
    environment: Environment
    payment_id: UUID
    session_id: str | None
    payment_intent_id: str | None
    amount: int
    currency: str


def environment_of(livemode: Any) -> Environment:
    """The environment that a ``livemode`` stands for.

    Raises:
        NotUnderstood: it is no boolean.
    """
    if not isinstance(livemode, bool):
        raise NotUnderstood("livemode is neither true nor false")
    return "live" if livemode else "test"


def parse_session(session: Mapping[str, Any]) -> CheckoutSession:
    """Read a checkout session, from an event or from Stripe's API.

    Raises:
        NotUnderstood: it is no checkout session for a payment.
    """
    if session.get("object") != "checkout.session" or session.get("mode") != "payment":
        raise NotUnderstood("this is no checkout session for a payment")
    metadata = session.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    intent = session.get("payment_intent")
    expanded = intent if isinstance(intent, dict) else {"id": intent}
    currency = text_of(session, "currency")
    return CheckoutSession(
        id=id_of(session),
        environment=environment_of(session.get("livemode")),
        amount=amount_of(session, "amount_total", currency),
        currency=currency,
        status=text_of(session, "status"),
        payment_status=text_of(session, "payment_status"),
        organisation_id=optional_text(metadata.get("organisation_id")),
        payment_id=uuid_of(metadata.get("payment_id")),
        client_reference_id=uuid_of(session.get("client_reference_id")),
        payment_intent_id=optional_id(expanded.get("id")),
        payment_intent_status=optional_text(expanded.get("status")),
    )


def outcome_of_event(event_type: str, payment_status: str) -> Outcome:
    """What an event says has become of the payment.

    Raises:
        NotUnderstood: Stripe has learnt a status that we have not.
    """
    settled: dict[str, Outcome] = {SUCCEEDED: "completed", FAILED: "failed", EXPIRED: "expired"}
    if event_type in settled:
        return settled[event_type]
    if payment_status in ("paid", "no_payment_required"):
        return "completed"
    if payment_status == "unpaid":
        return "processing"
    raise NotUnderstood(f"payment_status is {payment_status!r}")


def outcome_of_session(session: CheckoutSession) -> Outcome | None:
    """What has become of a session that Stripe was asked about; None while the buyer may still pay.

    Raises:
        NotUnderstood: as `outcome_of_event`.
    """
    if session.status == "open":
        return None
    if session.status == "expired":
        return "expired"
    outcome = outcome_of_event(COMPLETED, session.payment_status)
    gave_up = session.payment_intent_status in ("requires_payment_method", "canceled")
    return "failed" if outcome == "processing" and gave_up else outcome


def lookups(session: CheckoutSession) -> Iterator[Lookup]:
    """The ways to find a session's payment, in the order in which they are tried.

    Finding is not believing: see `check_binding`.
    """
    yield Lookup("session_id", "session_id", session.id)
    if session.client_reference_id is not None:
        yield Lookup("client_reference_id", "payment_id", session.client_reference_id)
    if session.payment_id is not None:
        yield Lookup("metadata", "payment_id", session.payment_id)
    if session.payment_intent_id is not None:
        yield Lookup("payment_intent", "payment_intent_id", session.payment_intent_id)


def check_binding(session: CheckoutSession, environment: Environment, recorded: Recorded) -> None:
    """Make sure that a session is about this payment and no other.

    What we wrote into the session ourselves may be missing from it, but must not contradict; the rest must
    agree.

    Args:
        environment: the one whose secret, or key, vouches for the session.
        recorded: the payment that a lookup found.

    Raises:
        NotBelieved: something differs; the message lists all of it.
    """
    require_agreement("session", binding(session, environment, recorded))


def binding(session: CheckoutSession, environment: Environment, recorded: Recorded) -> Comparison:
    """What a session has to agree with to be about a payment, arguments as in `check_binding`."""
    return {
        "organisation": (recorded.organisation_id, session.organisation_id),
        "environment": (recorded.environment, environment),
        "livemode": (recorded.environment, session.environment),
        "payment": (recorded.payment_id, session.payment_id),
        "client_reference_id": (recorded.payment_id, session.client_reference_id),
        "session": (recorded.session_id, session.id),
        "amount": (recorded.amount, session.amount),
        "currency": (recorded.currency, session.currency),
    }


def agreeing(ours_and_theirs: Comparison) -> list[str]:
    """What was compared, because both sides say something, and is the same."""
    return [name for name, (ours, theirs) in ours_and_theirs.items() if ours is not None and ours == theirs]


def require_agreement(of_what: str, ours_and_theirs: Comparison) -> None:
    """Make sure that nothing contradicts; where one side says nothing, there is nothing to contradict.

    Raises:
        NotBelieved: something differs; the message lists all of it.
    """
    differing = [
        f"{name}: the payment has {ours}, the {of_what} {theirs}"
        for name, (ours, theirs) in ours_and_theirs.items()
        if None not in (ours, theirs) and ours != theirs
    ]
    if differing:
        raise NotBelieved("; ".join(differing))


def text_of(stripe_object: Mapping[str, Any], name: str) -> str:
    """A member that every object of its kind has.

    Raises:
        NotUnderstood: it is missing, or no text.
    """
    value = stripe_object.get(name)
    if not isinstance(value, str):
        raise NotUnderstood(f"the {stripe_object.get('object')} has no {name}")
    return value


def id_of(stripe_object: Mapping[str, Any]) -> str:
    """Stripe's id of an object.

    Raises:
        NotUnderstood: it has none.
    """
    found = optional_id(stripe_object.get("id"))
    if found is None:
        raise NotUnderstood(f"the {stripe_object.get('object')} has no id")
    return found


def optional_id(value: Any) -> str | None:
    """Stripe's id of something, or None where there is something else."""
    return value if isinstance(value, str) and _OBJECT_ID.fullmatch(value) else None


def optional_text(value: Any) -> str | None:
    """A text, or None where there is something else."""
    return value if isinstance(value, str) else None


def amount_of(stripe_object: Mapping[str, Any], name: str, currency: str) -> int:
    """An amount of Stripe's in the minor unit of its currency.

    Raises:
        NotUnderstood: it is missing, or no whole number of minor units.
    """
    value = stripe_object.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotUnderstood(f"the {stripe_object.get('object')} has no {name}")
    try:
        return from_stripe(value, currency)
    except InexactAmount as error:
        raise NotUnderstood(str(error)) from None


def uuid_of(value: Any) -> UUID | None:
    """A UUID, or None where there is something else."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
