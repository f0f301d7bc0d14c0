"""Why an image is refused."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.errors import InvalidInput, NotFound, Unavailable
from autonomy_core.web.findings import findings_member


class ImageRefused(InvalidInput):
    """The inspection has findings; ``findings`` lists them, and docs/covers.md explains them."""

    code, title = "image_refused", "The file is not an image that can be shown"
    members: ClassVar = {"findings": findings_member("image_refused")}


class ImagesBusy(Unavailable):
    """As many images are being processed as the server allows."""

    code, title = "images_busy", "Too many images are being processed"


class NoImage(NotFound):
    """There is no image to remove or to change."""

    code, title = "no_image", "There is no image"
