"""Why an image is refused."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.errors import InvalidInput, NotFound, Unavailable


class ImageRefused(InvalidInput):
    """The inspection has findings; ``findings`` lists them, and docs/covers.md explains them."""

    code, title = "image_refused", "The file is not an image that can be shown"
    members: ClassVar = {
        "findings": {
            "type": "array",
            "description": "with `image_refused`: every reason",
            "items": {
                "type": "object",
                "required": ["code", "message", "detail", "remedy"],
                "properties": {
                    "code": {"type": "string", "description": "stable, see the guide to covers"},
                    "message": {"type": "string", "description": "a sentence for people"},
                    "detail": {"type": "object", "description": "figures, such as width and height"},
                    "remedy": {"type": "string", "description": "what to do about it"},
                },
            },
        }
    }


class ImagesBusy(Unavailable):
    """As many images are being processed as the server allows."""

    code, title = "images_busy", "Too many images are being processed"


class NoImage(NotFound):
    """There is no image to remove or to change."""

    code, title = "no_image", "There is no image"
