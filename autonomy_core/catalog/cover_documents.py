"""What the catalogue shows of covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from autonomy_core.catalog.models import Product
from autonomy_core.images import services
from autonomy_core.images.urls import ImageDocuments
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.traversal.resources import Resource

SUBJECT: Final = "product"
"""The kind of thing that has the image; see `images.models.ImageUse`."""


def with_covers(context: Resource, products: Sequence[Product], *, scope: TenantScope | None = None) -> None:
    """Set `Product.cover` of products and of the products in bundles, in one query.

    Args:
        context: the request's context.
        products: the products, with their items.
        scope: in a transaction; None for that of the request.
    """
    every = {each.id: each for product in products for each in (product, *product.items)}
    found = services.images_of(scope or context.scope, SUBJECT, every)
    documents = ImageDocuments(context)
    for product_id, product in every.items():
        product.cover = documents.document(found.get(product_id), product.title)


def with_cover(context: Resource, product: Product) -> Product:
    """Set `Product.cover` of one product, and return it."""
    with_covers(context, [product])
    return product


def with_cover_later(context: Resource, product: Product) -> Product:
    """Set `Product.cover` of a product in a view that has no transaction of its own, and return it."""
    with context.scope.begin() as own:
        with_covers(context, [product], scope=own)
    return product


def with_covers_of_page(context: Resource, page: dict[str, Any]) -> dict[str, Any]:
    """Set `Product.cover` of the products of a page, and return it."""
    with_covers(context, page["items"])
    return page
