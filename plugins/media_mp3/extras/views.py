"""Extras over HTTP. They are always sent as attachments: a page of the shop never shows one."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from pyramid.traversal import find_interface

from autonomy_core.plugin_api.catalog import NotAvailableYet, available_at
from autonomy_core.plugin_api.errors import AutonomyError
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
from autonomy_core.plugin_api.operations import Details, api_view
from autonomy_core.plugin_api.resources import Customers
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.security import Permission
from media_mp3.errors import WrongKind
from media_mp3.extras import errors, services
from media_mp3.extras.domain import FORMATS
from media_mp3.extras.models import Extra
from media_mp3.extras.resources import AdminExtra, AdminProductExtras, CustomerProductExtras, ExtraNode
from media_mp3.extras.schemas import (
    EXTRA_FORM,
    AdminExtraSchema,
    ExtraChangesSchema,
    ExtraFieldsSchema,
    ExtraSchema,
)
from media_mp3.services import require_mp3
from media_mp3.settings import EXTRAS, LINKS, link_seconds, max_extra_bytes


def _details(query: type[LinkQuery] | None = None, of_owner: tuple[type[AutonomyError], ...] = ()) -> Details:
    details = file_details("application/pdf", "the file", query=query, errors=of_owner)
    details["media"] = {each.media_type: "the file" for each in FORMATS.values()}
    return details


@api_view(
    context=CustomerProductExtras,
    method="GET",
    summary="List the extras of a product that you own",
    permission=Permission.OWN,
    returns=page_of(ExtraSchema),
)
def list_extras(context: CustomerProductExtras, request: Request) -> dict[str, Any]:
    """Files that come with it, without pages, 500 at most. The URLs are signed, expire and need no header."""
    scope, product_id = context.scope, context.product.id
    extras = services.owned_extras(scope, request.identity.id, product_id)
    later = available_at(scope, product_id)
    return {
        "items": [
            {
                **{name: getattr(extra, name) for name in ("id", "title", "format", "size")},
                "media_type": FORMATS[extra.format].media_type,
                "available_at": later,
                "download_url": None if later else _link(context, request, extra),
            }
            for extra in extras
        ],
        "next": None,
    }


def _link(context: CustomerProductExtras, request: Request, extra: Extra) -> str:
    url = request.resource_url(find_interface(context, Customers), "extras", str(extra.id), "download")
    return LINKS.sign(context.scope, url, request.identity.id, seconds=link_seconds(context.scope))


@api_view(
    context=ExtraNode,
    method="GET",
    name="download",
    summary="Download an extra of a product that you own",
    permission=Permission.LISTEN,
    **_details(LinkQuery, (NotAvailableYet,)),
)
def download_extra(context: ExtraNode, request: Request) -> Response:
    """With an access token, or by a signed link from the list of extras."""
    extra = context.extra
    services.require_owner(context.scope, request.identity.id, extra)
    return _answer(context, request, Download(request.identity.id, extra.product_id, extra.id, "download"))


def _answer(context: ExtraNode | AdminExtra, request: Request, download: Download | None) -> Response:
    extra = context.extra
    name = attachment(extra.title, FORMATS[extra.format].extension, unnamed="extra")
    file = services.file_of(extra)
    response = answer_with_file(context.scope, request, EXTRAS, file, name, download=download)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@api_view(
    context=AdminProductExtras,
    method="GET",
    summary="List the extras of a product, for staff",
    permission=Permission.READ_CATALOG,
    returns=page_of(AdminExtraSchema),
)
def list_product_extras(context: AdminProductExtras, request: Request) -> dict[str, Any]:
    """In the order in which they were uploaded, also removed ones, without pages, 500 at most."""
    return {"items": services.extras_of(context.scope, context.product.id), "next": None}


@api_view(
    context=AdminProductExtras,
    method="POST",
    summary="Upload an extra",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": EXTRA_FORM},
    returns=AdminExtraSchema,
    status=201,
    # Minutes may pass while the file arrives. No database connection is held in that time.
    transaction="none",
    errors=(
        *RECEIVING_ERRORS,
        WrongKind,
        errors.ExtraRefused,
        errors.ExtraExists,
        errors.TooManyExtras,
    ),
)
def upload_extra(context: AdminProductExtras, request: Request) -> Extra:
    """A file that comes with the product: a booklet, stems, a wallpaper. Its content decides on its type."""
    require_mp3(context.product)
    scope, most = context.scope, max_extra_bytes(context.scope)
    with receive_upload(scope, request, EXTRAS, max_bytes=most) as upload:
        title = fields_of(upload, ExtraFieldsSchema)["title"]
        return services.add_extra(scope, context.product.id, upload, title, actor=request.actor)


@api_view(
    context=AdminExtra,
    method="GET",
    summary="Get an extra, for staff",
    permission=Permission.READ_CATALOG,
    returns=AdminExtraSchema,
)
def get_extra(context: AdminExtra, request: Request) -> Extra:
    """Also a removed one."""
    return context.extra


@api_view(
    context=AdminExtra,
    method="PATCH",
    summary="Change the title of an extra",
    permission=Permission.WRITE_CATALOG,
    body=ExtraChangesSchema,
    returns=AdminExtraSchema,
)
def change_extra(context: AdminExtra, request: Request) -> Extra:
    """To replace the file, upload another one, and remove this."""
    return services.rename_extra(
        context.scope, context.extra, request.validated["title"], actor=request.actor
    )


@api_view(
    context=AdminExtra,
    method="DELETE",
    summary="Remove an extra from its product",
    permission=Permission.WRITE_CATALOG,
    status=204,
)
def remove_extra(context: AdminExtra, request: Request) -> None:
    """New buyers do not get it. Customers who began to buy the product before keep it."""
    services.remove_extra(context.scope, context.extra, actor=request.actor)


@api_view(
    context=AdminExtra,
    method="GET",
    name="download",
    summary="Download an extra, for staff",
    permission=Permission.READ_CATALOG,
    **_details(),
)
def download_extra_for_staff(context: AdminExtra, request: Request) -> Response:
    """The same bytes, with an API key."""
    return _answer(context, request, None)
