"""Images over HTTP. They are public, so that a page shows them with a plain ``<img>``."""

from __future__ import annotations

from typing import Any, Final

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.files.responses import answer_with_file, file_details
from autonomy_core.images import placeholder, services
from autonomy_core.images.domain import JPEG, WEBP
from autonomy_core.images.resources import AdminImages, ImageFile, Images, Placeholder, Placeholders
from autonomy_core.images.schemas import ImageUsageSchema
from autonomy_core.images.settings import IMAGES
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin, ApiV1
from autonomy_core.web.operations import PUBLIC, Details, api_view

FOREVER: Final = "public, max-age=31536000, immutable"
"""RFC 9111, section 5.2.2, and RFC 8246. The hash in the URL changes with the content."""

SVG: Final = "image/svg+xml"
SVG_POLICY: Final = "default-src 'none'; sandbox"
"""A browser that opens the picture as a page runs and loads nothing."""

_DETAILS: Final[Details] = {
    **file_details(JPEG, "the image, as JPEG"),
    "media": {JPEG: "the image, as JPEG", WEBP: "the image, as WebP"},
    "also": {206: None, 304: None},
}


@api_view(context=ImageFile, method="GET", summary="Show an image", permission=PUBLIC, **_DETAILS)
def get_image(context: ImageFile, request: Request) -> Response:
    """In one of its sizes. What a URL shows never changes, so it is cached for a year.

    Without an extension, the answer is WebP if `Accept` names `image/webp`, and JPEG otherwise. With `.jpg`
    or `.webp`, it is that format. An image that is smaller than the size is sent as it is.
    """
    media_type = context.media_type or preferred(request.headers.get("Accept", ""))
    file = services.file_of(context.scope, context.digest, context.size, media_type)
    response = answer_with_file(context.scope, request, IMAGES, file, "inline", by_server=True)
    response.headers.update({"Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"})
    if context.media_type is None:
        response.headers["Vary"] = "Accept"
    return response


def preferred(accept: str) -> str:
    """The format for a client: WebP if it names that, and JPEG for all others.

    A client that accepts everything may be one that shows no WebP, such as a mail program.

    Args:
        accept: the header, or an empty text (RFC 9110, section 12.5.1).
    """
    for part in accept.lower().split(","):
        name, *parameters = (each.strip(" \t") for each in part.split(";"))
        if name == WEBP and not any(_is_zero(each) for each in parameters):
            return WEBP
    return JPEG


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and bool(value) and not value.strip("0. ")


@api_view(
    context=Placeholder,
    method="GET",
    summary="Show the placeholder of a missing image",
    permission=PUBLIC,
    media={SVG: "the title on a colour"},
    also={304: None},
)
def get_placeholder(context: Placeholder, request: Request) -> Response:
    """The URL is signed: the server shows the titles of this organisation's things, and no other text."""
    content = placeholder.svg(context.text)
    response = Response(
        body=content,
        content_type=SVG,
        charset="utf-8",
        etag=placeholder.etag_of(content),
        conditional_response=True,
    )
    response.headers.update(
        {
            "Cache-Control": FOREVER,
            "Content-Security-Policy": SVG_POLICY,
            "X-Content-Type-Options": "nosniff",
        }
    )
    return response


@api_view(
    context=AdminImages,
    method="GET",
    name="usage",
    summary="See how much the images take",
    permission=Permission.READ_CATALOG,
    returns=ImageUsageSchema,
)
def get_image_usage(context: AdminImages, request: Request) -> services.Usage:
    """All sizes of all images of the organisation, including those that nothing has any more."""
    return services.usage(context.scope)


def includeme(config: Any) -> None:
    """Add images to the resource tree."""
    config.add_child(ApiV1, "images", Images)
    config.add_child(Images, "placeholder", Placeholders)
    config.add_child(Admin, "images", AdminImages)
    config.scan(__name__)
