"""Customers over HTTP: what a customer sees and changes. `staff.views` is for staff.

`deletion` schedules the end of an account in two weeks; `erasing` then removes what identifies the customer.
"""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import FileIter, Response

from autonomy_core.customers import changing, deletion, exporting
from autonomy_core.customers.models import Customer
from autonomy_core.customers.resources import (
    AdminCustomer,
    AdminCustomerMails,
    AdminCustomerNotes,
    AdminCustomers,
    Me,
)
from autonomy_core.customers.schemas import (
    CustomerSchema,
    DeletionSchema,
    OwnChangesSchema,
    UnsubscribeQuery,
)
from autonomy_core.errors import NotFound
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin, ApiV1, Customers
from autonomy_core.web.operations import PUBLIC, api_view

FORM = "application/x-www-form-urlencoded"

PAGE = """<!doctype html>
<meta charset="utf-8"><meta name="robots" content="noindex"><title>{title}</title>
<h1>{title}</h1>
"""

BUTTON = """<form method="post">
<button name="List-Unsubscribe" value="One-Click">Stop them</button>
</form>
"""

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@api_view(
    context=Me,
    method="GET",
    summary="Get the customer who asks",
    permission=Permission.OWN,
    returns=CustomerSchema,
)
def me(context: Me, request: Request) -> Customer:
    """The customer of the access token."""
    return context.customer


@api_view(
    context=Me,
    method="PATCH",
    summary="Change your name, language or consent",
    permission=Permission.OWN,
    body=OwnChangesSchema,
    returns=CustomerSchema,
)
def change_me(context: Me, request: Request) -> Customer:
    """Members that are missing stay as they are. The address is changed elsewhere, because it is proven."""
    return changing.change_own(context.scope, context.customer, request.validated)


@api_view(
    context=Me,
    method="DELETE",
    summary="Have your account deleted",
    permission=Permission.OWN_RECENT,
    returns=DeletionSchema,
    status=202,
)
def delete_me(context: Me, request: Request) -> Customer:
    """In two weeks your personal data are erased, and what you bought is lost. Until then you can keep it.

    A repeated call keeps the first date.
    """
    return deletion.request_deletion(context.scope, context.customer)


@api_view(
    context=Me,
    name="keep",
    method="POST",
    summary="Keep your account",
    permission=Permission.OWN,
    returns=CustomerSchema,
)
def keep_me(context: Me, request: Request) -> Customer:
    """Withdraws the request to be deleted."""
    return deletion.withdraw_deletion(context.scope, context.customer)


@api_view(
    context=Customers,
    name="export",
    method="GET",
    summary="Get everything that is kept of you",
    permission=Permission.OWN_RECENT,
    media={"application/zip": "an archive with a directory for each feature and plugin"},
)
def export_me(context: Customers, request: Request) -> Response:
    """An archive of JSON files: your account, payments, products, mails, and what the plugins keep."""
    archive = exporting.zipped(exporting.export(context.scope, request.identity.id))
    return Response(
        app_iter=FileIter(archive),
        content_type="application/zip",
        content_disposition='attachment; filename="your-data.zip"',
        cache_control="no-store",
    )


@api_view(
    context=Customers,
    name="unsubscribe",
    method="GET",
    summary="Show what the link of a mail would stop",
    permission=PUBLIC,
    query=UnsubscribeQuery,
    media={"text/html": "a page with a button"},
    errors=(NotFound,),
)
def show_unsubscribing(context: Customers, request: Request) -> Response:
    """Changes nothing: programs that check mails open every link."""
    _customer_of_link(context, request)
    return _page("Stop mails that advertise?", BUTTON)


@api_view(
    context=Customers,
    name="unsubscribe",
    method="POST",
    summary="Stop mails that advertise",
    permission=PUBLIC,
    query=UnsubscribeQuery,
    takes={FORM: {"type": "object", "properties": {"List-Unsubscribe": {"type": "string"}}}},
    media={"text/html": "a page that confirms it"},
    errors=(NotFound,),
)
def unsubscribe(context: Customers, request: Request) -> Response:
    """The mail program sends this when the reader presses its own button (RFC 8058)."""
    changing.unsubscribe(context.scope, _customer_of_link(context, request))
    return _page("You will get no more mails that advertise.")


def _customer_of_link(context: Customers, request: Request) -> Customer:
    customer = changing.customer_of_token(context.scope, request.query["token"])
    if customer is None:
        raise NotFound
    return customer


def _page(title: str, rest: str = "") -> Response:
    response = Response(PAGE.format(title=title) + rest, content_type="text/html", charset="utf-8")
    response.headers.update(PAGE_HEADERS)
    return response


def includeme(config: Any) -> None:
    """Add the customers' part and the staff's part to the resource tree."""
    config.add_child(ApiV1, "customers", Customers)
    config.add_child(ApiV1, "admin", Admin)
    config.add_child(Customers, "me", Me)
    config.add_child(Admin, "customers", AdminCustomers)
    config.add_child(AdminCustomer, "notes", AdminCustomerNotes)
    config.add_child(AdminCustomer, "mail", AdminCustomerMails)
    config.scan(__name__)
    config.scan("autonomy_core.customers.staff.views")
