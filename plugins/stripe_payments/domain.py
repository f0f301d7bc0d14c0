"""The members of a checkout session that are read, and the checks before they are trusted.

The module uses no framework and no SDK.

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
"""The possible outcomes of a payment, with the core's names."""

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
"""The events that a webhook endpoint subscribes to. Other events are stored and ignored."""

PERSONAL = frozenset(
    {
        "billing_details",
        "collected_information",
        "customer_details",
        "customer_email",
        "evidence",
        "payment_method_details",
        "receipt_email",
        "receipt_url",
        "shipping",
        "shipping_details",
    }
)
"""The members of Stripe's objects that describe the buyer. Nothing here reads them."""

_OBJECT_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
"""The limit is far below that of a PostgreSQL index entry."""


class NotUnderstood(ValueError):
    """The data is signed, but is not a known event or object. The message gives the details."""


class NotBelieved(ValueError):
    """A checkout session does not match the payment that it names. The message gives the differences."""


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """The members of a checkout session. They are not trusted before `check_binding`.

    Attributes:
        id: Stripe's id.
        environment: derived from ``livemode``.
        amount: in the minor unit of the currency.
        currency: ISO 4217, lower case.
        status, payment_status: Stripe's statuses.
        organisation_id, payment_id: from the metadata, which the server wrote.
        client_reference_id: the payment's id again.
        payment_intent_id: the id of its payment intent, None before the first attempt to pay.
        payment_intent_status: only for an expanded payment intent.
        tax: the tax that the amount contains, in the same unit; None if Stripe computed none.
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
    tax: int | None = None


Comparison = Mapping[str, tuple[Any, Any]]
"""The payment's value and Stripe's value, by name; None for an unknown value."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A way to find the payment of a session: its name, the column and the value."""

    strategy: Literal["session_id", "client_reference_id", "metadata", "payment_intent"]
    column: Literal["session_id", "payment_id", "payment_intent_id"]
    value: str | UUID


@dataclass(frozen=True, slots=True)
class Recorded:
    """The stored data of a payment that was found. Stripe's ids are None until they are recorded."""

    organisation_id: str
    environment: Environment
    payment_id: UUID
    session_id: str | None
    payment_intent_id: str | None
    amount: int
    currency: str


def environment_of(livemode: Any) -> Environment:
    """Return the environment of a ``livemode``.

    Raises:
        NotUnderstood: it is not a boolean.
    """
    if not isinstance(livemode, bool):
        raise NotUnderstood("livemode is neither true nor false")
    return "live" if livemode else "test"


def parse_session(session: Mapping[str, Any]) -> CheckoutSession:
    """Parse a checkout session from an event or from Stripe's API.

    Raises:
        NotUnderstood: it is not a checkout session for a payment.
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
        tax=_tax_of(session, currency),
    )


def _tax_of(session: Mapping[str, Any], currency: str) -> int | None:
    """Return the tax in the amount of a session; None for a session without automatic tax.

    A tax that cannot be read is None too: the buyer has paid, whatever the share of the tax is.
    """
    automatic, details = session.get("automatic_tax"), session.get("total_details")
    if (
        not isinstance(automatic, dict)
        or automatic.get("enabled") is not True
        or not isinstance(details, dict)
    ):
        return None
    try:
        tax = amount_of(details, "amount_tax", currency)
        return tax if 0 <= tax <= amount_of(session, "amount_total", currency) else None
    except NotUnderstood:
        return None


def outcome_of_event(event_type: str, payment_status: str) -> Outcome:
    """Return the outcome of the payment according to an event.

    Raises:
        NotUnderstood: the status is unknown, for example a new one of Stripe.
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
    """Return the outcome of a session that was retrieved; None while the buyer can still pay.

    Raises:
        NotUnderstood: as for `outcome_of_event`.
    """
    if session.status == "open":
        return None
    if session.status == "expired":
        return "expired"
    outcome = outcome_of_event(COMPLETED, session.payment_status)
    gave_up = session.payment_intent_status in ("requires_payment_method", "canceled")
    return "failed" if outcome == "processing" and gave_up else outcome


def lookups(session: CheckoutSession) -> Iterator[Lookup]:
    """Yield the ways to find a session's payment, in the order in which they are tried.

    A found payment is not trusted yet, see `check_binding`.
    """
    yield Lookup("session_id", "session_id", session.id)
    if session.client_reference_id is not None:
        yield Lookup("client_reference_id", "payment_id", session.client_reference_id)
    if session.payment_id is not None:
        yield Lookup("metadata", "payment_id", session.payment_id)
    if session.payment_intent_id is not None:
        yield Lookup("payment_intent", "payment_intent_id", session.payment_intent_id)


def check_binding(session: CheckoutSession, environment: Environment, recorded: Recorded) -> None:
    """Check that a session belongs to a payment.

    Members that the server wrote may be missing, but must not differ. All other members must match.

    Args:
        session: the session.
        environment: the environment of the secret or key that authenticated the session.
        recorded: the payment that a lookup found.

    Raises:
        NotBelieved: something differs; the message lists all differences.
    """
    require_agreement("session", binding(session, environment, recorded))


def binding(session: CheckoutSession, environment: Environment, recorded: Recorded) -> Comparison:
    """Return the comparison of a session with a payment; arguments as for `check_binding`."""
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
    """Return the names of the values that are known on both sides and equal."""
    return [name for name, (ours, theirs) in ours_and_theirs.items() if ours is not None and ours == theirs]


def require_agreement(of_what: str, ours_and_theirs: Comparison) -> None:
    """Check that no values differ. A value that is unknown on one side is not compared.

    Raises:
        NotBelieved: something differs; the message lists all differences.
    """
    differing = [
        f"{name}: the payment has {ours}, the {of_what} {theirs}"
        for name, (ours, theirs) in ours_and_theirs.items()
        if None not in (ours, theirs) and ours != theirs
    ]
    if differing:
        raise NotBelieved("; ".join(differing))


def text_of(stripe_object: Mapping[str, Any], name: str) -> str:
    """Return a member that every object of its kind has.

    Raises:
        NotUnderstood: it is missing, or not text.
    """
    value = stripe_object.get(name)
    if not isinstance(value, str):
        raise NotUnderstood(f"the {stripe_object.get('object')} has no {name}")
    return value


def id_of(stripe_object: Mapping[str, Any]) -> str:
    """Return Stripe's id of an object.

    Raises:
        NotUnderstood: it has none.
    """
    found = optional_id(stripe_object.get("id"))
    if found is None:
        raise NotUnderstood(f"the {stripe_object.get('object')} has no id")
    return found


def optional_id(value: Any) -> str | None:
    """Return an id of Stripe, or None for any other value."""
    return value if isinstance(value, str) and _OBJECT_ID.fullmatch(value) else None


def optional_text(value: Any) -> str | None:
    """Return a text, or None for any other value."""
    return value if isinstance(value, str) else None


def amount_of(stripe_object: Mapping[str, Any], name: str, currency: str) -> int:
    """Return an amount in the minor unit of its currency.

    Raises:
        NotUnderstood: it is missing, or not a whole number of minor units.
    """
    value = stripe_object.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise NotUnderstood(f"the {stripe_object.get('object')} has no {name}")
    try:
        return from_stripe(value, currency)
    except InexactAmount as error:
        raise NotUnderstood(str(error)) from None


def uuid_of(value: Any) -> UUID | None:
    """Return a UUID, or None for any other value."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
