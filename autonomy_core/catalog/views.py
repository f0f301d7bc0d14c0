"""The catalogue over HTTP."""

from __future__ import annotations

from typing import Any, Final

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.catalog import availability, finding, services
from autonomy_core.catalog.bundles import BundleRefused, UnknownProduct
from autonomy_core.catalog.cover_documents import with_cover, with_covers_of_page
from autonomy_core.catalog.details import SlugTaken
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.query_schemas import AdminProductsQuery, ProductsQuery
from autonomy_core.catalog.resources import AdminProduct, AdminProducts, ProductDetail, Products
from autonomy_core.catalog.schemas import (
    AdminProductSchema,
    NewProductSchema,
    ProductChangesSchema,
    ProductDetailSchema,
    ProductSchema,
)
from autonomy_core.catalog.showing import shown_product, shown_products
from autonomy_core.files.errors import PreconditionFailed
from autonomy_core.kernel.identity import Permission
from autonomy_core.prices.errors import PriceRefused, PricesContradict
from autonomy_core.traversal.resources import Admin, ApiV1
from autonomy_core.web.operations import PUBLIC, api_view
from autonomy_core.web.schemas import page_of

_CONDITION: Final = {
    "in": "header",
    "name": "If-None-Match",
    "description": "the `ETag` that you have: 304 if it is still right",
    "schema": {"type": "string"},
}
_VALIDATORS: Final = {
    "ETag": "strong; changes with the answer",
    "Cache-Control": "caches ask each time whether their answer is still right",
}
"""What `kept.answering` adds to the public calls."""


@api_view(
    context=Products,
    method="GET",
    summary="List the products",
    permission=PUBLIC,
    query=ProductsQuery,
    returns=page_of(ProductSchema),
    also={304: None},
    errors=(PreconditionFailed,),
    parameters=(_CONDITION,),
    headers=_VALIDATORS,
)
def list_products(context: Products, request: Request) -> dict[str, Any]:
    """The published products, the newest first by default. `purchasable` says which can be bought now.

    Tracks that are sold alone are not in the list, but with their release.
    """
    return shown_products(context, request.query)


@api_view(
    context=ProductDetail,
    method="GET",
    summary="Get a product",
    permission=PUBLIC,
    returns=ProductDetailSchema,
    also={304: None, 308: None},
    errors=(PreconditionFailed,),
    parameters=(_CONDITION,),
    headers=_VALIDATORS,
)
def get_product(context: ProductDetail, request: Request) -> Product | Response:
    """A published product, by its id or slug. A former slug is answered with 308 and the present one."""
    if context.is_at_old_slug:
        present = request.resource_url(context.__parent__, context.product.shown.slug)
        return Response(status=308, location=present, content_type=None)
    return shown_product(context, context.product)


@api_view(
    context=AdminProducts,
    method="GET",
    summary="List all products",
    permission=Permission.READ_CATALOG,
    query=AdminProductsQuery,
    returns=page_of(AdminProductSchema),
)
def list_all_products(context: AdminProducts, request: Request) -> dict[str, Any]:
    """Newest first, including products that are withdrawn or incomplete.

    Archived ones need `archived=true`.
    """
    products = availability.every_product(context.scope, finding.chosen_by_staff(request.query))
    return with_covers_of_page(context, finding.page(context.scope, products, request.query))


@api_view(
    context=AdminProducts,
    method="POST",
    summary="Make a product",
    permission=Permission.WRITE_CATALOG,
    body=NewProductSchema,
    returns=AdminProductSchema,
    status=201,
    errors=(
        services.UnknownKind,
        services.KindNotMadeHere,
        PriceRefused,
        PricesContradict,
        BundleRefused,
        UnknownProduct,
        SlugTaken,
    ),
)
def create_product(context: AdminProducts, request: Request) -> Product:
    """The product can be bought once it has something to deliver: its tracks, or the products of a bundle."""
    product = services.create_for_staff(context.scope, request.validated, actor=request.actor)
    return with_cover(context, availability.load_purchasable(context.scope, product))


@api_view(
    context=AdminProduct,
    method="GET",
    summary="Get a product, on sale or not",
    permission=Permission.READ_CATALOG,
    returns=AdminProductSchema,
)
def get_any_product(context: AdminProduct, request: Request) -> Product:
    """The product, with the members that only staff see."""
    return with_cover(context, availability.load_purchasable(context.scope, context.product))


@api_view(
    context=AdminProduct,
    method="PATCH",
    summary="Change a product",
    permission=Permission.WRITE_CATALOG,
    body=ProductChangesSchema,
    returns=AdminProductSchema,
    errors=(PriceRefused, PricesContradict, BundleRefused, UnknownProduct, SlugTaken),
)
def change_product(context: AdminProduct, request: Request) -> Product:
    """A new price and new items of a bundle apply to purchases that begin after the change.

    An archived product is neither sold nor listed, and neither is a bundle that contains it. Customers who
    own it keep access.
    """
    product = services.change_product(context.scope, context.product, request.validated, actor=request.actor)
    return with_cover(context, availability.load_purchasable(context.scope, product))


def includeme(config: Any) -> None:
    """Add the catalogue to the resource tree."""
    config.add_child(ApiV1, "products", Products)
    config.add_child(Admin, "products", AdminProducts)
    config.scan(__name__)
