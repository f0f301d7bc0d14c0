"""What visitors see of the catalogue: the API and the pages show the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autonomy_core.catalog import finding, parts
from autonomy_core.catalog.cover_documents import with_cover, with_covers_of_page
from autonomy_core.catalog.listing import load_tracks
from autonomy_core.catalog.models import Product
from autonomy_core.traversal.resources import Resource, api_of


def shown_products(context: Resource, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return one page of the published products: ``items`` with their covers, and ``next``, a cursor or None.

    Args:
        context: the request's context.
        query: what `ProductsQuery` loaded.
    """
    return with_covers_of_page(context, finding.page(context.scope, parts.listed(context.scope), query))


def shown_product(context: Resource, product: Product) -> Product:
    """Load the cover, the tracks, the formats and the extras of a product that visitors see, and return it.

    Args:
        context: the request's context.
        product: the product, in the context's scope.
    """
    root = context.request.resource_url(api_of(context))
    return with_cover(context, load_tracks(context.scope, product, root))
