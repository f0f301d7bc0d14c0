"""Where Stripe posts, and where its checkout page sends the buyer back to."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.errors import TooLarge
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.payments import RestoredCopy, refuse_on_copy
from autonomy_core.plugin_api.schemas import OpenQuery
from stripe_payments import schemas
from stripe_payments.checkout import session_sync as asking
from stripe_payments.events import inbox
from stripe_payments.events import verification as webhooks
from stripe_payments.events.deliveries import DELIVERIES
from stripe_payments.events.fetching import completed
from stripe_payments.events.sharing import OwnerUnknown, owner_of
from stripe_payments.resources import StripeCheckouts, StripeEndpoint
from stripe_payments.settings import PLUGIN, all_keys


@api_view(
    context=StripeEndpoint,
    method="POST",
    summary="Take an event from Stripe",
    permission=PUBLIC,
    takes=schemas.EVENT_BODY,
    query=OpenQuery,
    parameters=[schemas.SIGNATURE],
    takes_idempotency_key=False,
    transaction="none",
    returns=schemas.ReceivedSchema,
    errors=(
        webhooks.BadSignature,
        webhooks.BadEvent,
        TooLarge,
        inbox.EventNotStored,
        OwnerUnknown,
        RestoredCopy,
    ),
)
def take_event(context: StripeEndpoint, request: Request) -> dict[str, Any]:
    """The signature vouches for the caller. An event is stored and handled once, however often it is posted.

    Where organisations share an endpoint, it is handled for the one that it is about.
    """
    body, signature = _body(request), request.headers.get("Stripe-Signature")
    try:
        delivery = webhooks.verify(body, signature, all_keys(context.scope.settings(PLUGIN)))
    except webhooks.BadSignature:
        # Who sends none is nobody whom a wrong secret keeps out.
        if signature:
            DELIVERIES.count_refused(context.organisation.id)
        raise
    if not delivery.event.object:
        # A thin event: whose it is, is said by what it is about.
        delivery = completed(context.scope, delivery)
    scope = owner_of(context.scope, delivery, str(signature))
    refuse_on_copy(scope, delivery.environment)
    DELIVERIES.count_verified(scope.organisation.id, delivery.environment)
    if scope is context.scope:
        return {"received": True, "status": inbox.receive(scope, delivery)}
    with bound_contextvars(organisation=scope.organisation.id):
        return {"received": True, "status": inbox.receive(scope, delivery)}


@api_view(
    context=StripeCheckouts,
    name="return",
    method="GET",
    summary="Come back from Stripe's checkout page",
    permission=PUBLIC,
    query=schemas.ReturnQuery,
    status=303,
    transaction="none",
    errors=(asking.CheckoutNotFound,),
)
def come_back(context: StripeCheckouts, request: Request) -> Response:
    """Settles the payment if no event has, and sends the buyer to the purchase's `success_url`, with the
    payment's id appended as `payment_id`: ask for that payment to learn its status.
    """
    url = asking.finish_checkout(context.scope, request.query["session_id"])
    return Response(status=303, location=url, content_type=None, cache_control="no-store")


def _body(request: Request) -> bytes:
    length, most = request.content_length, schemas.MAX_EVENT_BYTES
    if length is None:
        body = request.body_file.read(most + 1)  # in chunks, as many as come
    else:
        # Not `body_file`: what it makes around the raw one takes longer than the signature.
        body = request.body_file_raw.read(length) if length <= most else b""
    if max(length or 0, len(body)) > most:
        raise TooLarge(f"An event may have {most} bytes.")
    return bytes(body)
