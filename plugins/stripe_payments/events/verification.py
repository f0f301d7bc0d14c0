"""Verify Stripe's signature of an event. No part of a body is parsed before its signature is verified.

Source: https://docs.stripe.com/webhooks/signature.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

from autonomy_core.plugin_api.webhooks import BadEvent, BadSignature, Delivery
from stripe_payments.domain import NotUnderstood
from stripe_payments.events.envelopes import parse_event
from stripe_payments.settings import Keys

if TYPE_CHECKING:
    from stripe import WebhookSignature

log = structlog.get_logger(__name__)

TOLERANCE_S = 300
"""Maximum difference between the time of a signature and the server's clock, in both directions."""


def verify(body: bytes, signature: str | None, keys: Iterable[Keys]) -> Delivery:
    """Verify an event with the organisation's secrets, and parse it.

    Args:
        body: the raw bytes of the request.
        signature: the header ``Stripe-Signature``.
        keys: of every environment of the organisation. Keys without a secret verify nothing.

    Raises:
        BadSignature: no secret verifies the body.
        BadEvent: the body is not an event, or belongs to another environment than the secret.
    """
    header, text = _checked_header(signature), _decoded(body)
    verified = [each.environment for each in keys if vouched_for(text, header, each)]
    if not verified:
        log.warning("stripe.signature_refused", bytes=len(body))
        raise BadSignature
    payload = _parse(text)
    try:
        delivery = parse_event(payload, text=text)
    except NotUnderstood as error:
        raise BadEvent(f"{error}.") from None
    if delivery.environment not in verified:
        log.error("stripe.livemode_differs", event_id=delivery.event_id, secret_of=verified[0])
        raise BadEvent(f"A {delivery.environment} event was signed with the {verified[0]} endpoint's secret.")
    return delivery


def vouched_for(text: str, header: str, keys: Keys) -> bool:
    """Whether a secret of these keys, the current or the previous one, verifies a text.

    Args:
        text: the body, decoded.
        header: ``Stripe-Signature``, of a form that `verify` has taken.
    """
    return any(_verifies(text, header, secret.reveal()) for secret in keys.webhook_secrets)


def _checked_header(signature: str | None) -> str:
    """Return the header if the SDK can parse it and its time is not in the future."""
    if not signature:
        raise BadSignature("The header Stripe-Signature is missing.")
    if not signature.isascii():
        raise BadSignature("The header Stripe-Signature is not ASCII.")
    # The SDK refuses only old times.
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
    signature, refusal = _sdk()
    try:
        return signature.verify_header(text, header, secret, tolerance=TOLERANCE_S)
    except refusal:
        return False


@cache
def _sdk() -> tuple[type[WebhookSignature], type[Exception]]:
    """The SDK's verifier and its error, found once: each attribute of the SDK's package imports a module."""
    from stripe import SignatureVerificationError, WebhookSignature  # noqa: PLC0415 - the SDK loads slowly

    return WebhookSignature, SignatureVerificationError


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadEvent("The body is no JSON that can be read.") from None
