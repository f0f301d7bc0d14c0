"""What a customer owns, over HTTP."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.schemas import ProductSchema
from autonomy_core.errors import NotFound
from autonomy_core.grants import services
from autonomy_core.grants.resources import CustomerProduct, CustomerProducts
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Customers
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=CustomerProducts,
    method="GET",
    summary="List what you own",
    permission=Permission.OWN,
    query=PageQuery,
    returns=page_of(ProductSchema),
)
def list_owned(context: CustomerProducts, request: Request) -> dict[str, Any]:
    """Products stay in this list when they are withdrawn from sale."""
    owned = services.owned_products(context.scope, request.identity.id)
    return paginate(request.db, owned, Product.id, request.query)


@api_view(
    context=CustomerProduct,
    method="GET",
    summary="Get a product that you own",
    permission=Permission.OWN,
    returns=ProductSchema,
)
def get_owned(context: CustomerProduct, request: Request) -> Product:
    """404 for a product that you do not own."""
    if not services.owns(context.scope, request.identity.id, context.product.id):
        raise NotFound
    return context.product


def includeme(config: Any) -> None:
    """Hang what customers own into the tree."""
    config.add_child(Customers, "products", CustomerProducts)
    config.scan(__name__)
