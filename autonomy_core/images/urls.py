"""The document of an image in an answer of the API, with its URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from autonomy_core.images.domain import SIZE_NAMES, colour_of_text
from autonomy_core.images.placeholder import SIDE, Placeholders, shown
from autonomy_core.images.services import CurrentImage
from autonomy_core.traversal.resources import Resource, api_of


class ImageDocuments:
    """Makes the documents of images for one answer.

    Args:
        context: the request's context; the URLs have the host and the organisation of the request.
    """

    def __init__(self, context: Resource) -> None:
        self._root = context.request.resource_url(api_of(context), "images")
        self._placeholders = Placeholders(context.scope)

    def document(self, image: CurrentImage | None, title: str) -> dict[str, Any]:
        """What `ImageSchema` dumps.

        Args:
            image: the image; None for a placeholder.
            title: of the thing that has the image, or has none.
        """
        if image is None:
            url = f"{self._root}/placeholder/{self._placeholders.name(title)}"
            return {
                "placeholder": True,
                "urls": dict.fromkeys(SIZE_NAMES, url),
                "width": SIDE,
                "height": SIDE,
                "colour": colour_of_text(shown(title)),
                "alt": title,
            }
        return {
            "placeholder": False,
            "urls": {name: f"{self._root}/{quote(image.digest)}/{name}" for name in SIZE_NAMES},
            "width": image.width,
            "height": image.height,
            "colour": image.colour,
            "alt": image.alt or title,
        }

    def for_staff(self, image: CurrentImage, title: str) -> dict[str, Any]:
        """What `AdminImageSchema` dumps."""
        return {
            **self.document(image, title),
            "size": image.size,
            "warnings": image.warnings,
            "set_at": image.set_at,
        }
