"""Find the organisation of an event.

Organisations with one Stripe account may share an endpoint, whose URL contains the ID of one of them. The
organisation in the metadata of an event gets the event only if its own secret verifies it too: the same
secret in both ini files shows that both agree. An attacker that writes the ID of another organisation into
its metadata signs with a secret that the other organisation does not have. See docs/decisions/0012.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from sqlalchemy import select

from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.webhooks import Delivery, OwnerUnknown
from stripe_payments.domain import HANDLED_EVENTS
from stripe_payments.events.envelopes import subject_in, to_fetch
from stripe_payments.events.verification import vouched_for
from stripe_payments.models import StripePayment
from stripe_payments.settings import PLUGIN, keys_of

log = structlog.get_logger(__name__)


def owner_of(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    """Return the scope of the organisation of an event: the addressed one, or one that shares its endpoint.

    Args:
        addressed: the organisation in the URL, whose secret verified the event.
        delivery: the event.
        header: ``Stripe-Signature``.

    Raises:
        OwnerUnknown: it depends on an answer of Stripe, which does not answer.
    """
    owner = _find_owner(addressed, delivery, header)
    if owner is not addressed:
        log.info("stripe.event_shared", event_id=delivery.event_id, owner=owner.organisation.id)
    return owner


def _find_owner(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    subject = delivery.fetched or subject_in(delivery.payload)
    if not subject and to_fetch(delivery.payload) is not None:
        return _only_user(addressed, delivery, header)
    named = named_in(subject)
    if named == addressed.organisation.id:
        return addressed
    if named is not None:
        other = addressed.other_organisation(named, PLUGIN)
        return other if other and _shares(other, delivery, header) else addressed
    intent = intent_of(subject)
    if intent is None or delivery.type not in HANDLED_EVENTS:
        return addressed
    return _first_with(intent, delivery, addressed, _sharing(addressed, delivery, header))


def _only_user(addressed: TenantScope, delivery: Delivery, header: str) -> TenantScope:
    """Return the addressed organisation if no other shares its endpoint.

    A thin event has no organisation until its object is fetched.

    Raises:
        OwnerUnknown: another organisation shares the endpoint; Stripe delivers the event again.
    """
    if next(_sharing(addressed, delivery, header), None) is not None:
        raise OwnerUnknown
    return addressed


def _sharing(addressed: TenantScope, delivery: Delivery, header: str) -> Iterator[TenantScope]:
    """Yield the other organisations whose secret verifies the event too."""
    secrets = keys_of(addressed.settings(PLUGIN), delivery.environment).webhook_secrets
    candidates = (each for secret in secrets for each in addressed.other_organisations(PLUGIN, secret))
    return (each for each in candidates if _shares(each, delivery, header))


def _shares(other: TenantScope, delivery: Delivery, header: str) -> bool:
    """Whether an organisation's own secret verifies the event too, in the same environment."""
    return vouched_for(delivery.text or "", header, keys_of(other.settings(PLUGIN), delivery.environment))


def _first_with(
    intent: str, delivery: Delivery, addressed: TenantScope, sharing: Iterator[TenantScope]
) -> TenantScope:
    """Find the organisation of an event without an ID of ours, such as a dispute, by their own rows."""
    found = select(StripePayment.payment_id).where(
        StripePayment.environment == delivery.environment, StripePayment.payment_intent_id == intent
    )
    for scope in sharing:
        own = StripePayment.organisation_id == scope.organisation.id
        with scope.begin() as transaction:
            if transaction.session.scalar(found.where(own).limit(1)) is not None:
                return scope
    return addressed


def named_in(subject: Mapping[str, Any]) -> str | None:
    """Return the organisation ID in the metadata of an object."""
    metadata = subject.get("metadata")
    named = metadata.get("organisation_id") if isinstance(metadata, dict) else None
    return named if isinstance(named, str) else None


def intent_of(subject: Mapping[str, Any]) -> str | None:
    """Return the ID of the payment intent of an object, which may contain the ID or the whole intent."""
    intent = subject.get("payment_intent")
    named = intent.get("id") if isinstance(intent, dict) else intent
    return named if isinstance(named, str) else None
