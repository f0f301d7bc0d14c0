"""Fetch objects of events, and undelivered events, from Stripe.

Source: https://docs.stripe.com/event-destinations#fetch-data, https://docs.stripe.com/webhooks/versioning and
https://docs.stripe.com/webhooks/process-undelivered-events.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import Delivery
from stripe_payments.api.client import NoSuchObject, list_undelivered_events, retrieve_object
from stripe_payments.api.references import Reference
from stripe_payments.domain import HANDLED_EVENTS, NotUnderstood
from stripe_payments.events.envelopes import MISSING, parse_event, subject_in
from stripe_payments.events.sharing import intent_of, named_in
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN, all_keys

log = structlog.get_logger(__name__)


def fetch(scope: TenantScope, environment: Environment, reference: Reference) -> dict[str, Any]:
    """Fetch an object in the pinned version.

    A placeholder with the member `MISSING` replaces an unknown object.

    Raises:
        Unavailable: Stripe does not answer.
        PaymentsUnavailable: the key may not read the object.
    """
    try:
        return retrieve_object(scope, environment, reference)
    except NoSuchObject:
        return {"object": reference.kind, "id": reference.id, MISSING: True}


def list_own_undelivered(scope: TenantScope, since: datetime) -> Iterator[Delivery]:
    """Yield the organisation's undelivered events, oldest first in each environment.

    Raises:
        Unavailable: Stripe does not answer.
    """
    for keys in all_keys(scope.settings(PLUGIN)):
        if keys.secret_key is not None:
            yield from _undelivered(scope, keys.environment, since)


def _undelivered(scope: TenantScope, environment: Environment, since: datetime) -> Iterator[Delivery]:
    try:
        found = list_undelivered_events(scope, environment, types=HANDLED_EVENTS, since=since)
    except PaymentsUnavailable as error:
        # Stripe refuses the key, or the simulator has a live key: see `autonomy tenants check --online`.
        log.warning("stripe.events_not_fetched", environment=environment, reason=str(error))
        return
    for payload in reversed(found):
        try:
            delivery = parse_event(payload, origin="fetched")
        except NotUnderstood as error:
            log.warning("stripe.fetched_event_refused", event_id=payload.get("id"), reason=str(error))
            continue
        if _is_own(scope, delivery):
            yield delivery


def _is_own(scope: TenantScope, delivery: Delivery) -> bool:
    """Whether an event belongs to the organisation: other organisations may use the same account."""
    subject = subject_in(delivery.payload)
    named = named_in(subject)
    if named is not None:
        return named == scope.organisation.id
    known = select(StripePayment.payment_id).where(
        StripePayment.organisation_id == scope.organisation.id,
        StripePayment.environment == delivery.environment,
        StripePayment.payment_intent_id == intent_of(subject),
    )
    with scope.begin() as own:
        return own.session.scalar(known.limit(1)) is not None
