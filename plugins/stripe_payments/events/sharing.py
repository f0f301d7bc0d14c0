"""Whose event is it? Organisations that have one Stripe account may share an endpoint, whose URL names one of them.

The organisation that an event's metadata names gets it only if its own secret vouches for the event as well: the
same secret in both ini files says that both want this. Whoever merely writes another's name into the metadata of
an account of their own signs with a secret that the other one does not have. See docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.events.envelopes import Event
from stripe_payments.events.verification import Delivery, vouched_for
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN, keys_of

log = structlog.get_logger(__name__)


class OwnerUnknown(Unavailable):
    """Stripe does not say now which of the organisations that share the endpoint an event is about."""

    code, title = "event_owner_unknown", "It is not known now whose event this is"


def owner_of(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    """The scope of the organisation that is to handle an event: the addressed one's, or one's that shares its endpoint.

    Args:
        addressed: the organisation that the URL names, whose secret has verified the event.
        header: ``Stripe-Signature``.

    Raises:
        OwnerUnknown: Stripe would have to say, and does not answer.
    """
    owner = _find_owner(addressed, delivery, header)
    if owner is not addressed:
        log.info("stripe.event_shared", event_id=delivery.event.id, owner=owner.organisation.id)
    return owner


def _find_owner(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    if not delivery.event.object and delivery.event.to_fetch is not None:
        return _only_user(addressed, delivery, header)
    named = named_in(delivery.event)
    if named == addressed.organisation.id:
        return addressed
    if named is not None:
        other = addressed.neighbour(named, PLUGIN)
        return other if other and _shares(other, delivery, header) else addressed
    intent = intent_of(delivery.event)
    if intent is None or delivery.event.type not in HANDLED_EVENTS:
        return addressed
    return _first_with(intent, delivery, addressed, _sharing(addressed, delivery, header))


def _only_user(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    """The addressed organisation, where no other shares its endpoint: a thin event names none until it is fetched.

    Raises:
        OwnerUnknown: another one does; Stripe delivers again.
    """
    if next(_sharing(addressed, delivery, header), None) is not None:
        raise OwnerUnknown
    return addressed


def _sharing(addressed: TenantScope, delivery: Delivery, header: str) -> Iterator[TenantScope]:
    """The other organisations whose secret vouches for the event as well."""
    secrets = keys_of(addressed.settings(PLUGIN), delivery.environment).webhook_secrets
    candidates = (each for secret in secrets for each in addressed.neighbours(PLUGIN, secret))
    return (each for each in candidates if _shares(each, delivery, header))


def _shares(other: TenantScope, delivery: Delivery, header: str) -> bool:
    """Whether an organisation's own secret vouches for the event, too, and in the same environment."""
    return vouched_for(delivery.text or "", header, keys_of(other.settings(PLUGIN), delivery.environment))


def _first_with(
    intent: str, delivery: Delivery, addressed: TenantScope, sharing: Iterator[TenantScope]
) -> TenantScope:
    """Who has made the payment of an event that names nobody, such as a dispute. Each looks among its own rows."""
    found = select(StripePayment.payment_id).where(
        StripePayment.environment == delivery.environment, StripePayment.payment_intent_id == intent
    )
    for scope in sharing:
        own = StripePayment.organisation_id == scope.organisation.id
        with scope.begin() as transaction:
            if transaction.session.scalar(found.where(own).limit(1)) is not None:
                return scope
    return addressed


def named_in(event: Event) -> str | None:
    """The organisation that an event's metadata names."""
    metadata = event.object.get("metadata")
    named = metadata.get("organisation_id") if isinstance(metadata, dict) else None
    return named if isinstance(named, str) else None


def intent_of(event: Event) -> str | None:
    """The payment intent that an event about something else names: its id, or the whole of it."""
    intent = event.object.get("payment_intent")
    named = intent.get("id") if isinstance(intent, dict) else intent
    return named if isinstance(named, str) else None
