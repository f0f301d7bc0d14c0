"""Covers over HTTP, for staff."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.catalog.cover_documents import SUBJECT
from autonomy_core.catalog.covers.resources import AdminCover
from autonomy_core.catalog.resources import AdminProduct
from autonomy_core.files.receiving import RECEIVING_ERRORS, fields_of, receive_upload
from autonomy_core.images import services
from autonomy_core.images.errors import ImageRefused, ImagesBusy, NoImage
from autonomy_core.images.schemas import IMAGE_FORM, AdminImageSchema, ImageChangesSchema, ImageFieldsSchema
from autonomy_core.images.settings import IMAGES, max_upload_bytes
from autonomy_core.images.urls import ImageDocuments
from autonomy_core.kernel.identity import Permission
from autonomy_core.web.operations import api_view


@api_view(
    context=AdminCover,
    method="PUT",
    summary="Upload the cover of a product",
    permission=Permission.WRITE_CATALOG,
    takes={"multipart/form-data": IMAGE_FORM},
    returns=AdminImageSchema,
    transaction="none",
    errors=(*RECEIVING_ERRORS, ImageRefused, ImagesBusy),
)
def put_cover(context: AdminCover, request: Request) -> dict[str, Any]:
    """It replaces the cover that the product may have. All sizes are there when the call has answered.

    The metadata of the file, such as where a photo was taken, are not kept.
    """
    scope, product_id, title = context.scope, context.product.id, context.product.title
    with receive_upload(scope, request, IMAGES, max_bytes=max_upload_bytes(scope)) as upload:
        alt = fields_of(upload, ImageFieldsSchema)["alt"]
        image = services.put_image(scope, SUBJECT, product_id, upload, alt=alt, actor=request.actor)
    return ImageDocuments(context).for_staff(image, title)


@api_view(
    context=AdminCover,
    method="GET",
    summary="Get the cover of a product, for staff",
    permission=Permission.READ_CATALOG,
    returns=AdminImageSchema,
    errors=(NoImage,),
)
def get_cover(context: AdminCover, request: Request) -> dict[str, Any]:
    """With the warnings of its inspection."""
    image = services.image_of(context.scope, SUBJECT, context.product.id)
    return ImageDocuments(context).for_staff(image, context.product.title)


@api_view(
    context=AdminCover,
    method="PATCH",
    summary="Change the text of a cover",
    permission=Permission.WRITE_CATALOG,
    body=ImageChangesSchema,
    returns=AdminImageSchema,
    errors=(NoImage,),
)
def change_cover(context: AdminCover, request: Request) -> dict[str, Any]:
    """For people who do not see the picture."""
    alt, product = request.validated["alt"], context.product
    image = services.change_alt(context.scope, SUBJECT, product.id, alt, actor=request.actor)
    return ImageDocuments(context).for_staff(image, product.title)


@api_view(
    context=AdminCover,
    method="DELETE",
    summary="Remove the cover of a product",
    permission=Permission.WRITE_CATALOG,
    status=204,
    errors=(NoImage,),
)
def remove_cover(context: AdminCover, request: Request) -> None:
    """The product has a placeholder again. The old URLs work for some weeks."""
    services.remove_image(context.scope, SUBJECT, context.product.id, actor=request.actor)


def includeme(config: Any) -> None:
    """Add covers to the resource tree."""
    config.add_child(AdminProduct, "cover", AdminCover)
    config.scan(__name__)
