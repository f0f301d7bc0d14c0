"""Verify and count a posted event, and pass it to the inbox of its organisation."""

from __future__ import annotations

from structlog.contextvars import bound_contextvars

from autonomy_core.kernel.copies import refuse_on_copy
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import BadSignature, WebhookSource
from autonomy_core.webhooks import inbox
from autonomy_core.webhooks.deliveries import DELIVERIES
from autonomy_core.webhooks.fetching import completed, subject_of


def take(addressed: TenantScope, source: WebhookSource, body: bytes, signature: str | None) -> str:
    """Verify what was posted, and store and handle the event for the organisation that it is about.

    Args:
        addressed: the organisation that the URL names; its own transaction is not used.
        body: byte for byte.
        signature: the source's header; None where there is none.

    Returns:
        The event's status.

    Raises:
        BadSignature, BadEvent: see `WebhookSource.verify`.
        OwnerUnknown: see `WebhookSource.owner_of`.
        RestoredCopy: the event is about a live payment, and the server's database a copy.
        EventNotStored: the database does not take it now.
    """
    try:
        delivery = source.verify(addressed, body, signature)
    except BadSignature:
        # A post without a signature is no sign of a wrong secret.
        if signature:
            DELIVERIES.count_refused(addressed.organisation.id, source.name)
        raise
    if not subject_of(source, delivery):
        # The event names its object only, and the object says whose it is.
        delivery = completed(addressed, source, delivery)
    scope = source.owner_of(addressed, delivery, str(signature))
    refuse_on_copy(scope, delivery.environment)
    DELIVERIES.count_verified(scope.organisation.id, source.name, delivery.environment)
    if scope is addressed:
        return inbox.receive(scope, source, delivery)
    with bound_contextvars(organisation=scope.organisation.id):
        return inbox.receive(scope, source, delivery)
