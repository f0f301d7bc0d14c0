"""The catalogue over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.catalog import availability, services
from autonomy_core.catalog.bundles import BundleRefused, UnknownProduct
from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import AdminProduct, AdminProducts, ProductDetail, Products
from autonomy_core.catalog.schemas import (
    AdminPageQuery,
    AdminProductSchema,
    NewProductSchema,
    ProductChangesSchema,
    ProductSchema,
)
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin, ApiV1
from autonomy_core.web.operations import PUBLIC, api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=Products,
    method="GET",
    summary="List the products that can be bought",
    permission=PUBLIC,
    query=PageQuery,
    returns=page_of(ProductSchema),
)
def list_products(context: Products, request: Request) -> dict[str, Any]:
    """Newest first."""
    return paginate(request.db, services.on_sale(context.scope), Product.id, request.query)


@api_view(
    context=ProductDetail, method="GET", summary="Get a product", permission=PUBLIC, returns=ProductSchema
)
def get_product(context: ProductDetail, request: Request) -> Product:
    """A product that can be bought."""
    return context.product


@api_view(
    context=AdminProducts,
    method="GET",
    summary="List all products",
    permission=Permission.READ_CATALOG,
    query=AdminPageQuery,
    returns=page_of(AdminProductSchema),
)
def list_all_products(context: AdminProducts, request: Request) -> dict[str, Any]:
    """Newest first, those included that are withdrawn or have nothing to deliver; archived ones only when asked for."""
    products = availability.every_product(context.scope, archived=request.query["archived"] == "true")
    return paginate(request.db, products, Product.id, request.query)


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
    product = services.create_product(context.scope, request.validated, actor=request.actor)
    return availability.note_purchasable(context.scope, product)


@api_view(
    context=AdminProduct,
    method="GET",
    summary="Get a product, on sale or not",
    permission=Permission.READ_CATALOG,
    returns=AdminProductSchema,
)
def get_any_product(context: AdminProduct, request: Request) -> Product:
    """A product with what only staff see."""
    return availability.note_purchasable(context.scope, context.product)


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
    """A new price, and what a bundle consists of, count for purchases that begin after the change.

    An archived product is neither sold nor listed, nor is a bundle with it. Who owns it keeps it, and listens to it.
    """
    product = services.change_product(context.scope, context.product, request.validated, actor=request.actor)
    return availability.note_purchasable(context.scope, product)


def includeme(config: Any) -> None:
    """Hang the catalogue into the tree."""
    config.add_child(ApiV1, "products", Products)
    config.add_child(Admin, "products", AdminProducts)
    config.scan(__name__)
