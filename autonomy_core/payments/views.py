"""Payments over HTTP: to buy, to look, and, for staff, to give money back."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.traversal import find_interface

from autonomy_core.catalog.services import NotForSale
from autonomy_core.errors import TooManyRequests
from autonomy_core.grants.resources import CustomerProduct
from autonomy_core.idempotency.deriver import names_of_request
from autonomy_core.kernel.identity import Permission
from autonomy_core.payments import purchasing, refund_terms, refunds, schemas, services
from autonomy_core.payments.discounts import CouponNotValid, CouponUsedUp, DiscountRefused
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.payments.resources import (
    AdminPayment,
    AdminPayments,
    AdminRefunds,
    CustomerPayment,
    CustomerPayments,
)
from autonomy_core.payments.return_urls import ForeignReturnUrl, ReturnUrls
from autonomy_core.payments.terms import PurchaseDisputed
from autonomy_core.payments.timeline import timeline
from autonomy_core.traversal.resources import Admin, ApiV1, Customers
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=CustomerProduct,
    name="purchase",
    method="POST",
    summary="Buy a product",
    permission=Permission.OWN,
    body=schemas.PurchaseSchema,
    returns=schemas.PurchaseAnswerSchema,
    status=201,
    also={200: schemas.PurchaseAnswerSchema},
    transaction="none",
    errors=(
        purchasing.AlreadyOwned,
        purchasing.PaymentOnItsWay,
        PurchaseDisputed,
        NotForSale,
        ForeignReturnUrl,
        services.PaymentsUnavailable,
        CouponNotValid,
        CouponUsedUp,
        DiscountRefused,
        TooManyRequests,
    ),
)
def purchase(context: CustomerProduct, request: Request) -> dict[str, Any]:
    """Open a payment and a checkout page. The product is granted when the provider reports the payment.

    200 with the payment that is open already, and its checkout page, if the customer asks again for the same price with
    the same coupon and the same return URLs, or names none. What costs nothing, perhaps thanks to a coupon, is completed at once and has no checkout page.
    """
    api_url = request.resource_url(find_interface(context, ApiV1))
    urls = {"success_url": api_url, "cancel_url": api_url, **request.validated}
    code = urls.pop("coupon", None)
    bought = purchasing.buy(
        context.scope,
        request.identity.id,
        context.product_id,
        ReturnUrls(api_url=api_url, **urls),
        code=code,
    )
    request.response.status_int = 200 if bought.found else 201
    return {"payment": bought.payment, "checkout_url": bought.checkout_url}


@api_view(
    context=CustomerPayments,
    method="GET",
    summary="List your payments",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(schemas.PaymentSchema),
)
def list_payments(context: CustomerPayments, request: Request) -> dict[str, Any]:
    """Newest first, of every status."""
    return paginate(request.db, services.payments_of(request.identity.id), Payment.id, request.query)


@api_view(
    context=CustomerPayment,
    method="GET",
    summary="Get one of your payments",
    permission=Permission.OWN,
    returns=schemas.PaymentSchema,
)
def get_payment(context: CustomerPayment, request: Request) -> Payment:
    """Ask until the status is final: `completed`, `failed` or `expired`. `processing` takes days: do not wait for it.

    Money that arrives after all makes a `failed` or `expired` payment `completed`.
    """
    return context.payment


@api_view(
    context=AdminPayments,
    method="GET",
    summary="List payments",
    permission=Permission.READ_PAYMENTS,
    query=schemas.PaymentQuery,
    returns=page_of(schemas.AdminPaymentSchema),
)
def list_all_payments(context: AdminPayments, request: Request) -> dict[str, Any]:
    """Newest first."""
    filters = {name: request.query[name] for name in ("status", "customer_id", "product_id")}
    return paginate(request.db, services.every_payment(**filters), Payment.id, request.query)


@api_view(
    context=AdminPayment,
    method="GET",
    summary="Get a payment",
    permission=Permission.READ_PAYMENTS,
    returns=schemas.AdminPaymentSchema,
)
def get_any_payment(context: AdminPayment, request: Request) -> Payment:
    """A payment of any customer."""
    return context.payment


@api_view(
    context=AdminPayment,
    name="timeline",
    method="GET",
    summary="Explain a payment",
    permission=Permission.READ_PAYMENTS,
    returns=schemas.TimelineSchema,
)
def explain_payment(context: AdminPayment, request: Request) -> dict[str, Any]:
    """What happened to it, in order: every event of the provider and what came of it, hooks, grants, refunds, disputes."""
    return {"items": timeline(context.scope, context.payment)}


@api_view(
    context=AdminRefunds,
    method="GET",
    summary="List the refunds of a payment",
    permission=Permission.READ_PAYMENTS,
    returns=schemas.RefundListSchema,
)
def list_refunds(context: AdminRefunds, request: Request) -> dict[str, Any]:
    """Oldest first; those that were made at the payment provider by hand are among them."""
    found = refunds.refunds_of(context.payment.id).order_by(PaymentRefund.created_at, PaymentRefund.id)
    return {"items": list(request.db.scalars(found))}


@api_view(
    context=AdminRefunds,
    method="POST",
    summary="Refund a payment, whole or in part, or products of a bundle",
    permission=Permission.REFUND_PAYMENTS,
    body=schemas.NewRefundSchema,
    returns=schemas.RefundSchema,
    status=201,
    also={202: schemas.RefundSchema},
    transaction="none",
    errors=(
        refund_terms.NotRefundable,
        refund_terms.PaymentDisputed,
        refund_terms.RefundTooLarge,
        refund_terms.RefundAmbiguous,
        refund_terms.ItemNotInPayment,
        refund_terms.ItemAlreadyRefunded,
        refunds.RefundRefused,
    ),
)
def refund_payment(context: AdminRefunds, request: Request) -> PaymentRefund:
    """Of an amount, of items, or of all that is left. Items are taken back when the money goes back.

    202 when the provider does not answer now: the refund is recorded, and it is asked again until it does.
    """
    wanted = request.validated
    refunded = refunds.refund(
        context.scope,
        context.payment.id,
        wanted["amount"],
        wanted["reason"],
        actor=request.actor,
        items=wanted.get("items", ()),
        # A repetition of what was cut off after the money had gone back must find that, and give nothing more.
        wish=names_of_request(context, request),
    )
    if not refunded.answered:
        request.response.status_int = 202
    return refunded.refund


def includeme(config: Any) -> None:
    """Hang payments into the tree."""
    config.add_child(Customers, "payments", CustomerPayments)
    config.add_child(Admin, "payments", AdminPayments)
    config.add_child(AdminPayment, "refunds", AdminRefunds)
    config.scan(__name__)
