"""Images in the resource tree."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.images import placeholder
from autonomy_core.images.domain import MEDIA_TYPES, SIZE_NAMES
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(rf"({'|'.join(SIZE_NAMES)})(?:\.({'|'.join(MEDIA_TYPES)}))?")


class Placeholder(Resource):
    """``…/images/placeholder/{placeholder}``"""

    def __init__(self, request: Request, parent: Resource, name: str, text: str) -> None:
        super().__init__(request, parent, name)
        self.text = text


class Placeholders(Collection):
    """``…/images/placeholder``"""

    item = Placeholder
    parameter = "placeholder"
    identifier = MappingProxyType({"type": "string", "pattern": placeholder.PATTERN})

    def identify(self, name: str) -> str | None:
        """The text of a placeholder that this server has signed."""
        return placeholder.text_of(self.scope, name)

    def item_for(self, identifier: Any, name: str) -> Placeholder:
        """The placeholder of a text."""
        return Placeholder(self.request, self, name, identifier)


class ImageFile(Resource):
    """``…/images/{digest}/{file}``: a size, with or without a format.

    Attributes:
        digest: of the image, which need not exist.
        size: the name of the size.
        media_type: the wanted one; None if the header ``Accept`` decides.
    """

    def __init__(self, request: Request, parent: Resource, name: str, digest: str) -> None:
        super().__init__(request, parent, name)
        size, _, extension = name.partition(".")
        self.digest, self.size = digest, size
        self.media_type = MEDIA_TYPES[extension] if extension else None


class ImageFiles(Collection):
    """``…/images/{digest}``"""

    item = ImageFile
    parameter = "image_file"
    identifier = MappingProxyType({"type": "string", "pattern": f"^{_FILE.pattern}$"})

    def identify(self, name: str) -> str | None:
        """The name of a file."""
        return name if _FILE.fullmatch(name) else None

    def item_for(self, identifier: Any, name: str) -> ImageFile:
        """A file, which need not exist."""
        assert self.__name__ is not None  # noqa: S101 - for the type checker
        return ImageFile(self.request, self, name, self.__name__)


class Images(Collection):
    """``…/images``: public."""

    item = ImageFiles
    parameter = "digest"
    identifier = MappingProxyType({"type": "string", "pattern": f"^{_DIGEST.pattern}$"})

    def identify(self, name: str) -> str | None:
        """The digest of an image."""
        return name if _DIGEST.fullmatch(name) else None

    def item_for(self, identifier: Any, name: str) -> ImageFiles:
        """The files of an image, which need not exist."""
        return ImageFiles(self.request, self, name)


class AdminImages(Resource):
    """``…/admin/images``"""

    __acl__ = (
        (Allow, f"scope:{Permission.READ_CATALOG}", Permission.READ_CATALOG),
        (Allow, f"scope:{Permission.WRITE_CATALOG}", Permission.READ_CATALOG),
    )
