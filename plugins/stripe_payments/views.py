"""The page to which Stripe's checkout page redirects the buyer."""

from __future__ import annotations

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.operations import PUBLIC, api_view
from stripe_payments import schemas
from stripe_payments.checkout import session_sync
from stripe_payments.resources import StripeCheckouts


@api_view(
    context=StripeCheckouts,
    name="return",
    method="GET",
    summary="Come back from Stripe's checkout page",
    permission=PUBLIC,
    query=schemas.ReturnQuery,
    status=303,
    transaction="none",
    errors=(session_sync.CheckoutNotFound,),
)
def come_back(context: StripeCheckouts, request: Request) -> Response:
    """Settles the payment if no event has, and redirects the buyer to the purchase's `success_url`.

    The URL has the payment's ID as `payment_id`: read that payment to learn its status.
    """
    url = session_sync.finish_checkout(context.scope, request.query["session_id"])
    return Response(status=303, location=url, content_type=None, cache_control="no-store")
