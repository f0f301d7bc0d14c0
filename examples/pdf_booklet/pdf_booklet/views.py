"""Booklets over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.files import (
    RECEIVING_ERRORS,
    Download,
    LinkQuery,
    answer_with_file,
    attachment,
    fields_of,
    file_details,
    receive_upload,
)
from autonomy_core.plugin_api.operations import api_view
from autonomy_core.plugin_api.security import Permission
from pdf_booklet import services
from pdf_booklet.errors import NotABooklet
from pdf_booklet.models import Booklet
from pdf_booklet.resources import AdminBooklet, CustomerBooklet
from pdf_booklet.schemas import FORM, BookletSchema, NoFieldsSchema, OwnBookletSchema
from pdf_booklet.settings import BOOKLETS, LINKS, link_seconds, max_upload_bytes


@api_view(
    context=AdminBooklet,
    method="PUT",
    summary="Upload the booklet of a product",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": FORM},
    returns=BookletSchema,
    transaction="none",
    errors=(*RECEIVING_ERRORS, NotABooklet),
)
def put_booklet(context: AdminBooklet, request: Request) -> Booklet:
    """It replaces the booklet that the product may have."""
    product_id = context.product_id
    most = max_upload_bytes(context.scope)
    with receive_upload(context.scope, request, BOOKLETS, max_bytes=most) as upload:
        fields_of(upload, NoFieldsSchema)
        return services.put_booklet(context.scope, product_id, upload, actor=request.actor)


@api_view(
    context=AdminBooklet,
    method="DELETE",
    summary="Remove the booklet of a product",
    permission=Permission.WRITE_CATALOG,
    status=204,
)
def remove_booklet(context: AdminBooklet, request: Request) -> None:
    """Customers cannot open it any more."""
    services.remove_booklet(context.scope, context.product_id, actor=request.actor)


@api_view(
    context=CustomerBooklet,
    method="GET",
    summary="Get the booklet of a product that you own",
    permission=Permission.OWN,
    returns=OwnBookletSchema,
    errors=(NotAvailableYet,),
)
def get_booklet(context: CustomerBooklet, request: Request) -> dict[str, Any]:
    """With a signed link to the file. Get it again for a new link."""
    booklet = services.owned_booklet(context.scope, request.identity, context.product_id)
    url = request.resource_url(context, "file")
    seconds = link_seconds(context.scope)
    link = LINKS.sign(context.scope, url, request.identity.id, seconds=seconds)
    return {"size": booklet.size, "pages": booklet.pages, "url": link}


@api_view(
    context=CustomerBooklet,
    method="GET",
    name="file",
    summary="Read the booklet of a product that you own",
    permission=Permission.LISTEN,
    **file_details("application/pdf", "the booklet", query=LinkQuery, errors=(NotAvailableYet,)),
)
def read_booklet(context: CustomerBooklet, request: Request) -> Response:
    """With an access token, or by a signed link."""
    booklet = services.owned_booklet(context.scope, request.identity, context.product_id)
    name = attachment(booklet.filename.removesuffix(".pdf"), ".pdf")
    reader = Download(request.identity.id, context.product_id, None, "download")
    return answer_with_file(
        context.scope, request, BOOKLETS, services.file_of(booklet), name, download=reader
    )
