"""Explain the events of a payment for its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql import JSONB

from autonomy_core.plugin_api.payments import Payment
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import StoredEvent
from stripe_payments.domain import (
    CHECKOUT_EVENTS,
    REFUND_EVENTS,
    Comparison,
    Recorded,
    agreeing,
    binding,
    parse_session,
)
from stripe_payments.events.envelopes import subject_in
from stripe_payments.models import StripePayment
from stripe_payments.reversals.reports import subject_binding, subject_of
from stripe_payments.services import Found


def agreed(scope: TenantScope, payment_id: UUID, event: StoredEvent) -> list[str] | None:
    """Return the names of the values in which the event and the payment agree.

    Differences are in the event's reason. The result is computed from the stored event and the payment: the
    compared values of a payment do not change once they are known.
    """
    found = _found(scope, payment_id)
    if found is None or event.status not in ("processed", "set_aside"):
        return None
    return agreeing(_compared(event, _as_known_to(event, found.recorded())))


def naming(scope: TenantScope, payment_id: UUID, event: Any) -> Mapping[str, ColumnElement[bool]]:
    """Return SQL conditions that an event refers to a payment, see `WebhookSource.naming`."""
    found = _found(scope, payment_id)
    if found is None:
        return {}
    about = func.coalesce(event.fetched, event.payload["data"]["object"], type_=JSONB)
    return {
        name: said.astext == ours
        for name, said, ours in (
            ("metadata", about["metadata"]["payment_id"], str(payment_id)),
            ("client_reference_id", about["client_reference_id"], str(payment_id)),
            ("session_id", about["id"], found.row.session_id),
            ("payment_intent", about["payment_intent"], found.row.payment_intent_id),
        )
        if ours is not None
    }


def _found(scope: TenantScope, payment_id: UUID) -> Found | None:
    key = (scope.organisation.id, payment_id)
    payment, row = scope.session.get(Payment, key), scope.session.get(StripePayment, key)
    return None if payment is None or row is None else Found(row, payment)


def _as_known_to(event: StoredEvent, recorded: Recorded) -> Recorded:
    """Return the facts that were known when the event was handled.

    The first event with Stripe's ID of the payment stores the ID. An event that was not matched by this ID
    came first or earlier.
    """
    if event.type in CHECKOUT_EVENTS:
        return recorded if event.matched_by == "session_id" else replace(recorded, session_id=None)
    return recorded if event.matched_by == "payment_intent" else replace(recorded, payment_intent_id=None)


def _compared(event: StoredEvent, recorded: Recorded) -> Comparison:
    about = event.fetched or subject_in(event.payload)
    if event.type in CHECKOUT_EVENTS:
        return binding(parse_session(about), event.environment, recorded)
    compared = subject_binding(subject_of(about), event.environment, recorded)
    if event.type not in REFUND_EVENTS:
        return compared
    # The core compares the currency.
    return {**compared, "currency": (recorded.currency, about.get("currency"))}
