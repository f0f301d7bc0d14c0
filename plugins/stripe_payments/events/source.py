"""Stripe as a source of webhooks; the core receives its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement

from autonomy_core.plugin_api.payments import Environment
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import Delivery, Search, StoredEvent, WebhookSource
from stripe_payments.api.references import Reference
from stripe_payments.domain import HANDLED_EVENTS, PERSONAL
from stripe_payments.events import explaining, fast_path
from stripe_payments.events.envelopes import MISSING, happened_at, subject_in, to_fetch
from stripe_payments.events.sharing import named_in, owner_of
from stripe_payments.events.verification import verify
from stripe_payments.settings import PLUGIN, SOURCE, all_keys

# Stripe's SDK takes a third of a second to import. So the methods that need it import it, and a command
# line that handles no event starts faster.


class StripeEvents(WebhookSource):
    """Stripe's events, see `autonomy_core.plugin_api.webhooks.WebhookSource`."""

    name = SOURCE
    title = "Stripe"
    header = "Stripe-Signature"
    header_description = "`t=…,v1=…`, made with the signing secret of the organisation's endpoint"
    handled = HANDLED_EVENTS
    personal = PERSONAL

    def verify(self, scope: TenantScope, body: bytes, signature: str | None) -> Delivery:
        """Verify an event with the organisation's secrets of both environments."""
        return verify(body, signature, all_keys(scope.settings(PLUGIN)))

    def handle(self, search: Search, event_type: str, subject: Mapping[str, Any]) -> None:
        """Handle an event."""
        from stripe_payments.events.handlers import handle  # noqa: PLC0415 - the SDK loads slowly

        handle(search, event_type, subject)

    def subject(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the object of a snapshot; empty for a thin event."""
        return subject_in(payload)

    def lacking(self, payload: Mapping[str, Any]) -> Reference | None:
        """Return the reference to the object of a thin event, or of an event in an unreadable version."""
        return to_fetch(payload)

    def fetch(self, scope: TenantScope, environment: Environment, lacking: Reference) -> dict[str, Any]:
        """Fetch an object in the pinned version."""
        from stripe_payments.events.fetching import fetch  # noqa: PLC0415 - the SDK loads slowly

        return fetch(scope, environment, lacking)

    def list_undelivered(self, scope: TenantScope, since: datetime) -> Iterable[Delivery]:
        """Yield the organisation's undelivered events."""
        from stripe_payments.events.fetching import list_own_undelivered  # noqa: PLC0415 - the SDK loads slowly

        return list_own_undelivered(scope, since)

    def owner_of(self, scope: TenantScope, delivery: Delivery, signature: str) -> TenantScope:
        """Return the organisation of an event, of those that share the endpoint."""
        return owner_of(scope, delivery, signature)

    def handle_fast(self, scope: TenantScope, delivery: Delivery, timeout: float) -> str | None:
        """Handle a paid session of this server with few statements."""
        return fast_path.receive_on_fast_path(scope, delivery, timeout=timeout)

    def concerns(self, scope: TenantScope, subject: Mapping[str, Any]) -> bool:
        """Whether the metadata has the organisation's ID, or Stripe does not have the object of the event.

        Stripe never deletes these objects. If the object is missing, endpoint and key belong to two accounts.
        """
        return named_in(subject) == scope.organisation.id or bool(subject.get(MISSING))

    def agreed(self, scope: TenantScope, payment_id: UUID, event: StoredEvent) -> Sequence[str] | None:
        """Return the names of the values in which an event and its payment agree."""
        return explaining.agreed(scope, payment_id, event)

    def naming(self, scope: TenantScope, payment_id: UUID, event: Any) -> Mapping[str, ColumnElement[bool]]:
        """Return SQL conditions that an event refers to a payment."""
        return explaining.naming(scope, payment_id, event)

    def happened_at(self, payload: Mapping[str, Any]) -> datetime | None:
        """Return the time of an event by Stripe's clock."""
        return happened_at(payload)
