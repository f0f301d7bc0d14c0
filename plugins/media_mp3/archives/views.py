"""Archives over HTTP."""

from __future__ import annotations

from typing import Any, Final

from pyramid.request import Request
from pyramid.response import Response
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.files import Download, LinkQuery, answer_with_assembled, file_details
from autonomy_core.plugin_api.operations import Details, api_view
from autonomy_core.plugin_api.schemas import page_of
from autonomy_core.plugin_api.security import Permission
from media_mp3.archives import services
from media_mp3.archives.domain import MEDIA_TYPE
from media_mp3.archives.resources import ProductArchive, ProductArchives
from media_mp3.archives.schemas import ArchiveSchema
from media_mp3.archives.services import Archive
from media_mp3.settings import LINKS, link_seconds

_DETAILS: Final[Details] = {
    **file_details(MEDIA_TYPE, "the release", query=LinkQuery, errors=(NotAvailableYet,)),
    "also": {206: None, 304: None},
    "headers": {"ETag": "strong; changes with any byte of the archive", "Accept-Ranges": "`bytes`"},
}


@api_view(
    context=ProductArchives,
    method="GET",
    summary="List the archives of a product that you own",
    permission=Permission.OWN,
    returns=page_of(ArchiveSchema),
)
def list_archives(context: ProductArchives, request: Request) -> dict[str, Any]:
    """At most one for each format, which all tracks have. The URLs are signed and need no header.

    They expire: list again for new ones.
    """
    found = services.archives_of(context.scope, request.identity.id, context.product)
    return {"items": [_with_link(context, request, archive) for archive in found], "next": None}


def _with_link(context: ProductArchives, request: Request, archive: Archive) -> dict[str, Any]:
    url = None
    if archive.available_at is None:
        path = request.resource_url(context, archive.name, "download")
        url = LINKS.sign(context.scope, path, request.identity.id, seconds=link_seconds(context.scope))
    names = ("name", "title", "lossless", "tracks", "size", "available_at")
    return {**{name: getattr(archive, name) for name in names}, "download_url": url}


@api_view(
    context=ProductArchive,
    method="GET",
    name="download",
    summary="Download a product that you own as one ZIP file",
    permission=Permission.LISTEN,
    **_DETAILS,
)
def download_archive(context: ProductArchive, request: Request) -> Response:
    """With an access token, or by a signed link from the list of archives. A download can be resumed.

    If a file of the product changes meanwhile, the `ETag` changes, and `If-Range` is answered with the whole.
    """
    customer_id = request.identity.id
    archive = services.archive_of(context.scope, customer_id, context.product, str(context.__name__))
    download = Download(customer_id, context.product.id, None, "download", archive.contents)
    with bound_contextvars(product=str(context.product.id), format=archive.name):
        return answer_with_assembled(
            context.scope, request, archive.file, archive.disposition, download=download
        )
