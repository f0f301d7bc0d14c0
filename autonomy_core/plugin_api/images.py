"""Images of a plugin's own things: uploaded by staff, in several sizes, with public URLs.

====================  ================================================================================
name                  what it does
====================  ================================================================================
`IMAGES`              the files of all images; `receive_upload` takes it
`put_image`           inspects an `Upload`, and gives it to a thing; `IMAGE_ERRORS` says what it raises
`images_of`           the images of many things in one query; `image_of` of one, or `NoImage`
`ImageDocuments`      what `ImageSchema` and `AdminImageSchema` dump, with the URLs or a placeholder
`change_alt`          changes the text for people who do not see the image
`remove_image`        takes it away; `forget_images` for things that are deleted
`jpeg_of`             the bytes of a JPEG, for example to embed a cover into a file
`sizes_of`            the sizes that an `ImageProcessor` makes
====================  ================================================================================
"""

from __future__ import annotations

from autonomy_core.images.domain import sizes_of
from autonomy_core.images.errors import ImageRefused, ImagesBusy, NoImage
from autonomy_core.images.schemas import (
    IMAGE_FORM,
    AdminImageSchema,
    ImageChangesSchema,
    ImageFieldsSchema,
    ImageSchema,
)
from autonomy_core.images.services import (
    CurrentImage,
    change_alt,
    forget_images,
    image_of,
    images_of,
    jpeg_of,
    put_image,
    remove_image,
)
from autonomy_core.images.settings import IMAGES, max_upload_bytes
from autonomy_core.images.urls import ImageDocuments
from autonomy_core.kernel.images import ImageProcessor

IMAGE_ERRORS = (ImageRefused, ImagesBusy)
"""What a view declares in ``errors=`` that calls `put_image`, besides `files.RECEIVING_ERRORS`."""

__all__ = [
    "IMAGES",
    "IMAGE_ERRORS",
    "IMAGE_FORM",
    "AdminImageSchema",
    "CurrentImage",
    "ImageChangesSchema",
    "ImageDocuments",
    "ImageFieldsSchema",
    "ImageProcessor",
    "ImageRefused",
    "ImageSchema",
    "ImagesBusy",
    "NoImage",
    "change_alt",
    "forget_images",
    "image_of",
    "images_of",
    "jpeg_of",
    "max_upload_bytes",
    "put_image",
    "remove_image",
    "sizes_of",
]
