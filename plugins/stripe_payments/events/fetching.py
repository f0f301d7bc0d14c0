"""What an event is about, fetched from Stripe: of a thin event, and of one in another version than we read.

Source: https://docs.stripe.com/event-destinations#fetch-data and https://docs.stripe.com/webhooks/versioning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.client import NoSuchObject, retrieve_object
from stripe_payments.api.references import Reference
from stripe_payments.events.envelopes import to_fetch
from stripe_payments.events.verification import Delivery
from stripe_payments.models import StripeEvent

log = structlog.get_logger(__name__)

Complete = Callable[[TenantScope, Delivery], Delivery]

MISSING = "missing"
"""The member that stands for everything else of an object that Stripe does not have."""


def completed(scope: TenantScope, delivery: Delivery) -> Delivery:
    """A delivery with what its event is about; as it was where Stripe does not answer.

    Args:
        scope: its own transaction is not used, so that no connection is held while Stripe answers.
    """
    try:
        return _with_its_object(scope, delivery)
    except Unavailable as error:
        return _not_fetched(delivery, error)


def _with_its_object(scope: TenantScope, delivery: Delivery) -> Delivery:
    reference = delivery.event.to_fetch
    if reference is None or delivery.fetched is not None:
        return delivery
    fetched = fetch(scope, delivery.environment, reference)
    return replace(delivery, event=replace(delivery.event, object=fetched), fetched=fetched)


def _not_fetched(delivery: Delivery, error: Unavailable) -> Delivery:
    log.warning("stripe.object_not_fetched", event_id=delivery.event.id, reason=str(error))
    return delivery


class UntilNoAnswer:
    """`completed` for many deliveries, until Stripe does not answer once: each of the others would wait as long.

    A refusal is an answer: Stripe may refuse one object and return the next.
    """

    def __init__(self) -> None:
        self._answers = True

    def __call__(self, scope: TenantScope, delivery: Delivery) -> Delivery:
        """A delivery with what its event is about, or as it was."""
        if not self._answers:
            return delivery
        try:
            return _with_its_object(scope, delivery)
        except Unavailable as error:
            self._answers = isinstance(error, PaymentsUnavailable)
            return _not_fetched(delivery, error)


def complete_stored(scope: TenantScope, environment: Environment, event_id: str) -> None:
    """Fetch what a stored event is about, where that is lacking, and store it with the event.

    Args:
        scope: its own transaction is not used.

    Raises:
        Unavailable: Stripe does not answer.
    """
    name = (scope.organisation.id, environment, event_id)
    with scope.begin() as own:
        reference = lacking(own.session.get_one(StripeEvent, name))
    if reference is None:
        return
    fetched = fetch(scope, environment, reference)
    with scope.begin() as own:
        own.session.get_one(StripeEvent, name, with_for_update=True).fetched = fetched


def lacking(event: StripeEvent) -> Reference | None:
    """What has to be fetched before a stored event can be handled."""
    return to_fetch(event.payload) if event.fetched is None else None


def fetch(scope: TenantScope, environment: Environment, reference: Reference) -> dict[str, Any]:
    """An object in the pinned version; one that Stripe does not have has the member `MISSING` and little more.

    Raises:
        Unavailable: Stripe does not answer.
        PaymentsUnavailable: it does not let the key read the object.
    """
    try:
        return retrieve_object(scope, environment, reference)
    except NoSuchObject:
        return {"object": reference.kind, "id": reference.id, MISSING: True}
