"""Payments over HTTP: customers buy and read their payments; staff read and refund them.

`purchasing` opens a payment and a checkout page. `refund_terms` decides about a refund; `refunds` records it
and sends it to the provider. `settlement` applies the provider's reports; `reversals` records refunds in
them, and revokes grants.
"""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.traversal import find_interface

from autonomy_core.addresses import client_network
from autonomy_core.catalog.resources import ProductDetail
from autonomy_core.catalog.services import NotForSale
from autonomy_core.customers.resources import AdminCustomer
from autonomy_core.errors import TooManyRequests
from autonomy_core.grants.resources import CustomerProduct
from autonomy_core.idempotency.deriver import names_of_request
from autonomy_core.kernel.identity import Permission
from autonomy_core.payments import (
    guests,
    purchasing,
    receipts,
    refund_terms,
    refunds,
    schemas,
    services,
)
from autonomy_core.payments.buyers import Guest
from autonomy_core.payments.consents import ConsentRequired, consent_of
from autonomy_core.payments.discounts import (
    CouponNeedsAccount,
    CouponNotValid,
    CouponUsedUp,
    DiscountRefused,
)
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.payments.resources import (
    AdminCustomerPayments,
    AdminPayment,
    AdminPayments,
    AdminRefunds,
    CustomerPayment,
    CustomerPayments,
    GuestPurchase,
    GuestPurchases,
)
from autonomy_core.payments.return_urls import ForeignReturnUrl, ReturnUrls
from autonomy_core.payments.terms import (
    AlreadyOwned,
    PaymentOnItsWay,
    PurchaseDisputed,
    PurchaseRefused,
    VerifiedEmailRequired,
)
from autonomy_core.payments.timeline import timeline_page
from autonomy_core.prices.domain import Wish
from autonomy_core.prices.errors import WISH_ERRORS
from autonomy_core.traversal.resources import Admin, ApiV1, Customers, Resource
from autonomy_core.web.operations import PUBLIC, api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate

PURCHASE_ERRORS = (
    NotForSale,
    ForeignReturnUrl,
    ConsentRequired,
    PurchaseRefused,
    VerifiedEmailRequired,
    services.PaymentsUnavailable,
    CouponNotValid,
    CouponUsedUp,
    DiscountRefused,
    TooManyRequests,
    *WISH_ERRORS,
)
"""The errors of every purchase."""


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
    errors=(AlreadyOwned, PaymentOnItsWay, PurchaseDisputed, *PURCHASE_ERRORS),
)
def purchase(context: CustomerProduct, request: Request) -> dict[str, Any]:
    """Open a payment and a checkout page. The product is granted when the provider reports the payment.

    A repeated call with the same amount, currency and coupon, and with the same return URLs or none, answers
    200 with the open payment and its checkout page. A payment of amount 0, for example with a coupon, is
    completed immediately and has no checkout page.
    """
    wanted = request.validated
    bought = purchasing.buy(
        context.scope,
        request.identity.id,
        context.product_id,
        _return_urls(context, request),
        wish=Wish(wanted.get("amount"), wanted.get("currency")),
        code=wanted.get("coupon"),
        consent=consent_of(wanted.get("consent"), client_network(request.remote_addr)),
    )
    request.response.status_int = 200 if bought.found else 201
    return {"payment": bought.payment, "checkout_url": bought.checkout_url}


def _return_urls(context: Resource, request: Request) -> ReturnUrls:
    """Return the pages that the client names, and the API's URL where it names none."""
    api_url = request.resource_url(find_interface(context, ApiV1))
    named = request.validated
    success_url, cancel_url = named.get("success_url", api_url), named.get("cancel_url", api_url)
    return ReturnUrls(success_url, cancel_url, api_url)


@api_view(
    context=ProductDetail,
    name="purchase",
    method="POST",
    summary="Buy a product without an account",
    permission=PUBLIC,
    body=schemas.GuestPurchaseSchema,
    returns=schemas.GuestPurchaseAnswerSchema,
    status=201,
    transaction="none",
    errors=(CouponNeedsAccount, *PURCHASE_ERRORS),
)
def purchase_as_guest(context: ProductDetail, request: Request) -> dict[str, Any]:
    """Open a payment and a checkout page for an e-mail address only.

    The receipt goes to the address, with a link to what was bought. The answer does not depend on whether the
    address is known. Every call makes a new payment: send an `Idempotency-Key` with 16 or more random
    characters, and a repeated call gets the same answer. Purchases are limited by client address.
    """
    wanted = request.validated
    network = client_network(request.remote_addr)
    bought = guests.buy_as_guest(
        context.scope,
        Guest(wanted["email"], wanted.get("locale")),
        context.product.id,
        _return_urls(context, request),
        client_network=network,
        wish=Wish(wanted.get("amount"), wanted.get("currency")),
        code=wanted.get("coupon"),
        consent=consent_of(wanted.get("consent"), network),
    )
    token = guests.status_token(context.scope, bought.payment.id)
    api = find_interface(context, ApiV1)
    status_url = request.resource_url(api, "purchases", str(bought.payment.id), query={"token": token})
    return {
        "payment": bought.payment,
        "checkout_url": bought.checkout_url,
        "payment_status_url": status_url,
    }


@api_view(
    context=GuestPurchase,
    method="GET",
    summary="Get the status of a purchase without an account",
    permission=PUBLIC,
    query=schemas.StatusQuery,
    returns=schemas.PurchaseStatusSchema,
)
def get_purchase_status(context: GuestPurchase, request: Request) -> Payment:
    """Poll until the status is `completed`, `failed` or `expired`. The answer names no person and no product.

    A wrong token gets the same answer as an unknown payment.
    """
    return guests.payment_of_token(context.scope, context.payment_id, request.query["token"])


@api_view(
    context=CustomerPayments,
    method="GET",
    summary="List your payments",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(schemas.PaymentSchema),
)
def list_payments(context: CustomerPayments, request: Request) -> dict[str, Any]:
    """Lists the payments in every status, newest first."""
    return paginate(
        context.scope.session, services.payments_of(request.identity.id), Payment.id, request.query
    )


@api_view(
    context=CustomerPayment,
    method="GET",
    summary="Get one of your payments",
    permission=Permission.OWN,
    returns=schemas.PaymentSchema,
)
def get_payment(context: CustomerPayment, request: Request) -> Payment:
    """Poll until the status is `completed`, `failed` or `expired`.

    Do not wait for `processing`, which takes days.
    Money that arrives late changes a `failed` or `expired` payment to `completed`.
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
    """Lists the payments of all customers, newest first."""
    selected = services.every_payment(context.organisation, request.query)
    return paginate(context.scope.session, selected, Payment.id, request.query)


@api_view(
    context=AdminCustomerPayments,
    method="GET",
    summary="List the payments of a customer",
    permission=Permission.READ_PAYMENTS,
    query=PageQuery,
    returns=page_of(schemas.AdminPaymentSchema),
)
def list_customers_payments(context: AdminCustomerPayments, request: Request) -> dict[str, Any]:
    """Lists the payments in every status, newest first."""
    found = services.every_payment(context.organisation, {"customer_id": context.customer.id})
    return paginate(context.scope.session, found, Payment.id, request.query)


@api_view(
    context=AdminPayment,
    method="GET",
    summary="Get a payment",
    permission=Permission.READ_PAYMENTS,
    returns=schemas.AdminPaymentSchema,
)
def get_any_payment(context: AdminPayment, request: Request) -> Payment:
    """Returns a payment of any customer."""
    return context.payment


@api_view(
    context=AdminPayment,
    name="timeline",
    method="GET",
    summary="Explain a payment",
    permission=Permission.READ_PAYMENTS,
    query=schemas.TimelineQuery,
    returns=page_of(schemas.TimelineEntrySchema),
)
def explain_payment(context: AdminPayment, request: Request) -> dict[str, Any]:
    """Lists what happened to a payment, in order: provider events, hooks, grants, refunds and disputes.

    The oldest entry is first.
    """
    return timeline_page(context.scope, context.payment, **request.query)


@api_view(
    context=AdminPayment,
    name="receipt",
    method="POST",
    summary="Send the receipt again",
    permission=Permission.SEND_MAIL,
    returns=schemas.AdminPaymentSchema,
    status=202,
    errors=(receipts.NoReceipt,),
)
def send_receipt_again(context: AdminPayment, request: Request) -> Payment:
    """Puts a receipt for the customer's current address into the outbox, at most one in a minute."""
    receipts.send_receipt_again(context.scope, context.payment, actor=request.actor)
    return context.payment


@api_view(
    context=AdminRefunds,
    method="GET",
    summary="List the refunds of a payment",
    permission=Permission.READ_PAYMENTS,
    query=PageQuery,
    returns=page_of(schemas.RefundSchema),
)
def list_refunds(context: AdminRefunds, request: Request) -> dict[str, Any]:
    """Lists the refunds, oldest first, including those that were made in the payment provider's dashboard."""
    return refunds.list_refunds(context.scope, context.payment.id, request.query)


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
    """Refunds an amount, items, or everything that is left.

    A refunded item is revoked when the money goes back.

    202 when the provider does not answer now: the refund is recorded, and a job repeats the call until it
    answers.
    """
    wanted = request.validated
    refunded = refunds.refund(
        context.scope,
        context.payment.id,
        wanted["amount"],
        wanted["reason"],
        actor=request.actor,
        items=wanted.get("items", ()),
        # A request repeated after the money went back must find that refund, and refund nothing more.
        wish=names_of_request(context, request),
    )
    if not refunded.answered:
        request.response.status_int = 202
    return refunded.refund


def includeme(config: Any) -> None:
    """Add the payment resources to the tree."""
    config.add_child(ApiV1, "purchases", GuestPurchases)
    config.add_child(Customers, "payments", CustomerPayments)
    config.add_child(Admin, "payments", AdminPayments)
    config.add_child(AdminCustomer, "payments", AdminCustomerPayments)
    config.add_child(AdminPayment, "refunds", AdminRefunds)
    config.scan(__name__)
