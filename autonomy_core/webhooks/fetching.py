"""Fetch the object of an event from its provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import Delivery, StoredEvent, WebhookSource
from autonomy_core.payments.services import PaymentsUnavailable
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks.models import WebhookEvent

log = structlog.get_logger(__name__)

Complete = Callable[[TenantScope, WebhookSource, Delivery], Delivery]


def lacking(source: WebhookSource, event: Delivery | StoredEvent) -> Any:
    """Return what has to be fetched before an event can be handled; None if nothing."""
    return source.lacking(event.payload) if event.fetched is None else None


def is_incomplete(source: WebhookSource, delivery: Delivery) -> bool:
    """Whether a posted event contains an object that has to be fetched in another version.

    The object of an event that contains only its ID was fetched before, to find the organisation; if the
    provider did not answer, the job retries.
    """
    return lacking(source, delivery) is not None and bool(source.subject(delivery.payload))


def subject_of(source: WebhookSource, event: Delivery | StoredEvent) -> Mapping[str, Any]:
    """Return the object of an event as the handler gets it; empty if it is not known yet."""
    return event.fetched or source.subject(event.payload)


def completed(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> Delivery:
    """Return a delivery with its fetched object, or unchanged if the provider does not answer.

    Args:
        scope: its own transaction is not used, so that no connection is held during the provider's call.
        source: the provider.
        delivery: the event.
    """
    try:
        return _with_its_object(scope, source, delivery)
    except Unavailable as error:
        return _not_fetched(source, delivery, error)


def _with_its_object(scope: TenantScope, source: WebhookSource, delivery: Delivery) -> Delivery:
    wanted = lacking(source, delivery)
    if wanted is None:
        return delivery
    return replace(delivery, fetched=source.fetch(scope, delivery.environment, wanted))


def _not_fetched(source: WebhookSource, delivery: Delivery, error: Unavailable) -> Delivery:
    log.warning(
        "webhook.object_not_fetched", source=source.name, event_id=delivery.event_id, reason=str(error)
    )
    return delivery


class UntilNoAnswer:
    """`completed` for many deliveries, which stops at the first time-out: the next calls would wait as long.

    A refusal does not stop it: the provider may refuse one object and return the next.
    """

    def __init__(self) -> None:
        self._answers = True

    def __call__(self, scope: TenantScope, source: WebhookSource, delivery: Delivery) -> Delivery:
        """Return a delivery with its fetched object, or unchanged."""
        if not self._answers:
            return delivery
        try:
            return _with_its_object(scope, source, delivery)
        except Unavailable as error:
            self._answers = isinstance(error, PaymentsUnavailable)
            return _not_fetched(source, delivery, error)


def complete_stored(
    scope: TenantScope, source: WebhookSource, environment: Environment, event_id: str
) -> None:
    """Fetch the object of a stored event if it is missing, and store it with the event.

    Args:
        scope: its own transaction is not used.

    Raises:
        Unavailable: the provider does not answer.
    """
    key = (scope.organisation.id, source.name, environment, event_id)
    with scope.begin() as own:
        wanted = lacking(source, own.session.get_one(WebhookEvent, key))
    if wanted is None:
        return
    fetched = source.fetch(scope, environment, wanted)
    with scope.begin() as own:
        own.session.get_one(WebhookEvent, key, with_for_update=True).fetched = fetched
