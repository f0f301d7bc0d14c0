"""Payments over HTTP: to buy, and to look."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.traversal import find_interface

from autonomy_core.catalog.services import NotForSale
from autonomy_core.db.session import commit_early
from autonomy_core.errors import Unavailable
from autonomy_core.grants.resources import CustomerProduct
from autonomy_core.payments import services
from autonomy_core.payments.models import Payment
from autonomy_core.payments.resources import CustomerPayment, CustomerPayments
from autonomy_core.payments.schemas import PaymentSchema, PurchaseAnswerSchema, PurchaseSchema
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.security.domain import Permission
from autonomy_core.traversal.resources import ApiV1, Customers


@api_view(
    context=CustomerProduct,
    name="purchase",
    method="POST",
    summary="Buy a product",
    permission=Permission.OWN,
    body=PurchaseSchema,
    returns=PurchaseAnswerSchema,
    status=201,
    errors=(services.AlreadyOwned, NotForSale, services.ForeignReturnUrl, services.PaymentsUnavailable),
)
def purchase(context: CustomerProduct, request: Request) -> dict[str, Any]:
    """Open a payment and a checkout page. The product is granted when the provider reports the payment."""
    api_url = request.resource_url(find_interface(context, ApiV1))
    urls = {"success_url": api_url, "cancel_url": api_url, **request.validated}
    payment, order = services.open_payment(
        context.scope, request.identity.id, context.product, api_url=api_url, **urls
    )
    # A crash from here on leaves a pending payment, and never a checkout that nobody knows of.
    commit_early(request)
    try:
        checkout = services.begin_checkout(context.scope, order)
    except Unavailable as error:
        services.fail_payment(context.scope, order, str(error))
        commit_early(request)
        raise
    services.attach_checkout(context.scope, order, checkout)
    return {"payment": payment, "checkout_url": checkout.url}


@api_view(
    context=CustomerPayments,
    method="GET",
    summary="List your payments",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(PaymentSchema),
)
def list_payments(context: CustomerPayments, request: Request) -> dict[str, Any]:
    """Newest first, of every status."""
    return paginate(request.db, services.payments_of(request.identity.id), Payment.id, request.query)


@api_view(
    context=CustomerPayment,
    method="GET",
    summary="Get one of your payments",
    permission=Permission.OWN,
    returns=PaymentSchema,
)
def get_payment(context: CustomerPayment, request: Request) -> Payment:
    """Ask until the status is final: `completed`, `failed` or `expired`. `processing` takes days: do not wait for it.

    Money that arrives after all makes a `failed` or `expired` payment `completed`.
    """
    return context.payment


def includeme(config: Any) -> None:
    """Hang payments into the tree."""
    config.add_child(Customers, "payments", CustomerPayments)
    config.scan(__name__)
