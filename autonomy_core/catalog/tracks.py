"""The tracks of a product as visitors see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urljoin

from autonomy_core.kernel.listing import ListedTrack


@dataclass(frozen=True, slots=True)
class ShownTrack(ListedTrack):
    """What a product kind says of a track, with what the catalogue adds.

    Attributes:
        cover: the document of its cover.
        sale: the `Product` with `product_id`, if visitors see it.
    """

    cover: Mapping[str, Any] | None = None
    sale: Any = None

    @classmethod
    def of(cls, track: ListedTrack, root: str) -> ShownTrack:
        """The track with a URL of its preview.

        Args:
            root: the URL of the API by which the client came, with a slash at the end.
        """
        said = {each.name: getattr(track, each.name) for each in fields(ListedTrack)}
        preview_url = urljoin(root, track.preview_url) if track.preview_url else None
        return cls(**{**said, "preview_url": preview_url})
