"""The webhooks of Postpay, which collects euros at the post office: a whole ``plugin.py``."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.payments import Payment, PaymentStatus, Settlement, settle
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.settings import Secret, SecretField, SettingsSchema
from autonomy_core.plugin_api.webhooks import (
    BadEvent,
    BadSignature,
    Delivery,
    Search,
    SetAside,
    WebhookSource,
)

MINIMUM_API = (2, 0)
NAME = "postpay"


class PostpaySettings(SettingsSchema):
    """The section ``[postpay]``."""

    secret = SecretField(required=True, metadata={"description": "The secret of the signatures."})


def signature_of(body: bytes, secret: Secret) -> str:
    """The signature that Postpay sends with a body."""
    return hmac.new(secret.reveal().encode(), body, hashlib.sha256).hexdigest()


class PostpayEvents(WebhookSource):
    """Events such as ``{"id": "1", "type": "payment.received", "payment": "<id>", "amount": 1200}``."""

    name = NAME
    title = "Postpay"
    header = "Postpay-Signature"
    header_description = "the HMAC-SHA256 of the body, in hexadecimal digits"
    handled = frozenset({"payment.received"})

    def verify(self, scope: TenantScope, body: bytes, signature: str | None) -> Delivery:
        """Believe nothing in the body before its signature is verified."""
        expected = signature_of(body, scope.settings(NAME)["secret"])
        if not hmac.compare_digest(expected.encode(), (signature or "").encode()):
            raise BadSignature
        try:
            event = json.loads(body)
            return Delivery(event["id"], event["type"], "test", event)
        except (ValueError, LookupError, TypeError):
            raise BadEvent("The body has no id and type.") from None

    def handle(self, search: Search, event_type: str, subject: Mapping[str, Any]) -> None:
        """Complete the payment."""
        scope, (payment_id, amount) = search.scope, _payment_and_amount(subject)
        payment = scope.session.get(Payment, (scope.organisation.id, payment_id))
        search.record("payment", payment_id if payment else None)
        if payment is None:
            raise SetAside("no payment of this organisation has this id")
        settlement = Settlement(
            payment_id=payment_id,
            status=PaymentStatus.COMPLETED,
            environment="test",
            amount=amount,
            currency="eur",
            source="webhook",
        )
        settle(scope, settlement, provider=NAME)


def _payment_and_amount(subject: Mapping[str, Any]) -> tuple[UUID, int]:
    """Raise SetAside if they cannot be read: any other exception would be retried without end."""
    try:
        payment_id, amount = UUID(str(subject["payment"])), subject["amount"]
    except (ValueError, LookupError):
        raise SetAside("the event does not name a payment and an amount") from None
    if type(amount) is not int:
        raise SetAside("the amount of the event is not a whole number")
    return payment_id, amount


@hookimpl
def register_settings() -> PluginSettings:
    """The section ``[postpay]`` of an organisation."""
    return PluginSettings(organisation=PostpaySettings)


@hookimpl
def register_webhook_sources() -> Sequence[WebhookSource]:
    """The call ``/api/webhook/postpay/{organisation_id}``."""
    return [PostpayEvents()]
