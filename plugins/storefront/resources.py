"""The nodes of the shop's pages."""

from __future__ import annotations

from pyramid.request import Request

from autonomy_core.plugin_api.catalog import Product, find_by_slug
from autonomy_core.plugin_api.resources import Collection, Resource


class Release(Resource):
    """``/releases/{slug}``"""

    def __init__(self, request: Request, parent: Resource, name: str, product: Product) -> None:
        super().__init__(request, parent, name)
        self.product = product


class Releases(Collection):
    """``/releases``"""

    item = Release
    parameter = "slug"

    def identify(self, name: str) -> str:
        """Return the segment: releases are found by slugs."""
        return name

    def item_for(self, identifier: str, name: str) -> Release:  # type: ignore[override]
        """Return the release with this present or former slug."""
        product = find_by_slug(self.scope, identifier)
        if product is None:
            raise KeyError(name)
        return Release(self.request, self, name, product)
