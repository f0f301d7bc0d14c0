"""A plugin whose provider is not Stripe: the source of `postpay_events`, with all that a source may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.plugin_api.payments import Payment
from autonomy_core.plugin_api.protocols import PaymentProvider
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import Delivery, NotYet, Search, WebhookSource
from autonomy_core.testing.stand_ins import PretendedPayments
from tests.functional.webhooks.postpay_events import NAME, PostpayEvents, register_settings, signature_of

__all__ = ["NAME", "PostpayEvents", "register_settings", "signature_of"]


class Extended(PostpayEvents):
    """The same source, with all that a source may have."""

    handled = PostpayEvents.handled | {"payment.corrected"}

    def __init__(self) -> None:
        self.undelivered: list[dict[str, Any]] = []
        self.failures: list[Exception] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.known: set[str] = set()

    def handle(self, search: Search, event_type: str, subject: Mapping[str, Any]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        letter = subject.get("letter")
        if event_type == "payment.corrected" and letter not in self.known:
            raise NotYet("its payment is not known yet", str(letter))
        super().handle(search, event_type, subject)
        if letter is not None:
            self.known.add(letter)
            search.reference = letter

    def subject(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return {} if "object" in payload else payload

    def lacking(self, payload: Mapping[str, Any]) -> str | None:
        return payload.get("object")

    def fetch(self, scope: TenantScope, environment: str, lacking: str) -> dict[str, Any]:
        return self.objects[lacking]

    def list_undelivered(self, scope: TenantScope, since: datetime) -> list[Delivery]:
        return [Delivery(each["id"], each["type"], "test", each, "fetched") for each in self.undelivered]

    def concerns(self, scope: TenantScope, subject: Mapping[str, Any]) -> bool:
        return subject.get("shop") == scope.organisation.id

    def agreed(self, scope: TenantScope, payment_id: UUID, event: Any) -> list[str]:
        payment = scope.session.get_one(Payment, (scope.organisation.id, payment_id))
        return ["amount"] if event.payload.get("amount") == payment.amount else []

    def naming(self, scope: TenantScope, payment_id: UUID, event: Any) -> dict[str, Any]:
        return {"payment": event.payload["payment"].astext == str(payment_id)}

    def happened_at(self, payload: Mapping[str, Any]) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)


class Postpay(PretendedPayments):
    name = NAME


SOURCE = Extended()


@hookimpl
def register_payment_provider() -> PaymentProvider:
    return Postpay()


@hookimpl
def register_webhook_sources() -> Sequence[WebhookSource]:
    return [SOURCE]
