"""The catalogue over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.catalog import services
from autonomy_core.catalog.bundles import BundleRefused, UnknownProduct
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import AdminProduct, AdminProducts, ProductDetail, Products
from autonomy_core.catalog.schemas import (
    AdminProductSchema,
    NewProductSchema,
    ProductChangesSchema,
    ProductSchema,
)
from autonomy_core.plugin_api.operations import PUBLIC, api_view
from autonomy_core.plugin_api.schemas import PageQuery, page_of, paginate
from autonomy_core.security.domain import Permission


@api_view(
    context=Products,
    method="GET",
    summary="List the products on sale",
    permission=PUBLIC,
    query=PageQuery,
    returns=page_of(ProductSchema),
)
def list_products(context: Products, request: Request) -> dict[str, Any]:
    """Newest first."""
    return paginate(request.db, services.on_sale(), Product.id, request.query)


@api_view(
    context=ProductDetail, method="GET", summary="Get a product", permission=PUBLIC, returns=ProductSchema
)
def get_product(context: ProductDetail, request: Request) -> Product:
    """A product that is on sale."""
    return context.product


@api_view(
    context=AdminProducts,
    method="GET",
    summary="List all products",
    permission=Permission.READ_CATALOG,
    query=PageQuery,
    returns=page_of(AdminProductSchema),
)
def list_all_products(context: AdminProducts, request: Request) -> dict[str, Any]:
    """Newest first, withdrawn ones included."""
    return paginate(request.db, services.every_product(), Product.id, request.query)


@api_view(
    context=AdminProducts,
    method="POST",
    summary="Make a product",
    permission=Permission.WRITE_CATALOG,
    body=NewProductSchema,
    returns=AdminProductSchema,
    status=201,
    errors=(services.UnknownKind, services.PriceRefused, BundleRefused, UnknownProduct),
)
def create_product(context: AdminProducts, request: Request) -> Product:
    """The product can be bought once what it consists of is there, for example its tracks, or a bundle's products."""
    return services.create_product(context.scope, request.validated, actor=request.actor)


@api_view(
    context=AdminProduct,
    method="GET",
    summary="Get a product, on sale or not",
    permission=Permission.READ_CATALOG,
    returns=AdminProductSchema,
)
def get_any_product(context: AdminProduct, request: Request) -> Product:
    """A product with what only staff see."""
    return context.product


@api_view(
    context=AdminProduct,
    method="PATCH",
    summary="Change a product",
    permission=Permission.WRITE_CATALOG,
    body=ProductChangesSchema,
    returns=AdminProductSchema,
    errors=(services.PriceRefused, BundleRefused, UnknownProduct),
)
def change_product(context: AdminProduct, request: Request) -> Product:
    """A new price, and what a bundle consists of, count for purchases that begin after the change."""
    return services.change_product(context.scope, context.product, request.validated, actor=request.actor)


def includeme(config: Any) -> None:
    """Hang the catalogue into the tree."""
    from autonomy_core.traversal.resources import Admin, ApiV1

    config.add_child(ApiV1, "products", Products)
    config.add_child(Admin, "products", AdminProducts)
    config.scan(__name__)
