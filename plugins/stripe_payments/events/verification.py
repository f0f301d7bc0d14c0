"""Is it Stripe who posted this? Nothing in a body is believed, or even parsed, before its signature is.

Source: https://docs.stripe.com/webhooks/signature.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from stripe import SignatureVerificationError, WebhookSignature

from autonomy_core.plugin_api.errors import Malformed
from stripe_payments.domain import Environment, NotUnderstood
from stripe_payments.events.envelopes import Event, parse_event
from stripe_payments.settings import Keys

log = structlog.get_logger(__name__)

TOLERANCE_S = 300
"""How far the time of a signature may be from ours, either way."""


class BadSignature(Malformed):
    """The signature is missing, unreadable, too old or from the future, or not Stripe's."""

    code, title = "bad_signature", "The signature does not vouch for this body"


class BadEvent(Malformed):
    """The signature is good, and yet the body is no event that we can read."""

    code, title = "bad_event", "The body is no event"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that is Stripe's, and the whole of its JSON.

    Attributes:
        source: ``webhook`` if a secret has verified it, ``fetched`` if Stripe gave it to the organisation's key.
        text: the JSON as it was sent, where it was.
        fetched: what the event is about, where that was fetched, see `fetching`; it is the event's ``object`` then.
    """

    event: Event
    payload: dict[str, Any]
    source: str = "webhook"
    text: str | None = None
    fetched: dict[str, Any] | None = None

    @property
    def environment(self) -> Environment:
        """Where it happened: the one whose secret has verified it, or whose key has fetched it."""
        return self.event.environment


def verify(body: bytes, signature: str | None, keys: Iterable[Keys]) -> Delivery:
    """Verify an event by the organisation's secrets, and parse it.

    Args:
        body: as it was sent, byte for byte.
        signature: the header ``Stripe-Signature``.
        keys: the organisation's, of every environment. One without a secret verifies nothing.

    Raises:
        BadSignature: no secret verifies it.
        BadEvent: it is no event, or of another environment than its secret.
    """
    header, text = _checked_header(signature), _decoded(body)
    verified = [each.environment for each in keys if vouched_for(text, header, each)]
    if not verified:
        log.warning("stripe.signature_refused", bytes=len(body))
        raise BadSignature
    payload = _parse(text)
    try:
        event = parse_event(payload)
    except NotUnderstood as error:
        raise BadEvent(f"{error}.") from None
    if event.environment not in verified:
        log.error("stripe.livemode_differs", event_id=event.id, secret_of=verified[0])
        raise BadEvent(f"A {event.environment} event was signed with the {verified[0]} endpoint's secret.")
    return Delivery(event, payload, text=text)


def vouched_for(text: str, header: str, keys: Keys) -> bool:
    """Whether a secret of these keys, the current or the previous one, vouches for a text.

    Args:
        text: the body, decoded.
        header: ``Stripe-Signature``, of a form that `verify` has taken.
    """
    return any(_verifies(text, header, secret.reveal()) for secret in keys.webhook_secrets)


def _checked_header(signature: str | None) -> str:
    """The header, when it is of a form that the SDK can take, and not from the future."""
    if not signature:
        raise BadSignature("The header Stripe-Signature is missing.")
    if not signature.isascii():
        raise BadSignature("The header Stripe-Signature is not ASCII.")
    # The SDK refuses old times only.
    if _time_of(signature) > time.time() + TOLERANCE_S:
        raise BadSignature("The signature's time is in the future; one of the clocks is wrong.")
    return signature


def _time_of(signature: str) -> int:
    """The first ``t=``, which is the one that the SDK takes."""
    times = (item[2:] for item in signature.split(",") if item.startswith("t="))
    try:
        return int(next(times, ""))
    except ValueError:
        raise BadSignature("The header Stripe-Signature has no time.") from None


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadSignature("The body is not UTF-8.") from None


def _verifies(text: str, header: str, secret: str) -> bool:
    try:
        return WebhookSignature.verify_header(text, header, secret, tolerance=TOLERANCE_S)
    except SignatureVerificationError:
        return False


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadEvent("The body is no JSON that can be read.") from None
