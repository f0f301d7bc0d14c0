"""Products in the tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import find_on_sale, find_product
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource


class ProductNode(Resource):
    """A node that is about one product."""

    def __init__(self, request: Request, parent: Resource, name: str, product: Product) -> None:
        super().__init__(request, parent, name)
        self.product = product


class ProductDetail(ProductNode):
    """``…/products/{product_id}``"""


class Products(Collection):
    """``…/products``: what can be bought."""

    item = ProductDetail
    parameter = "product_id"

    def item_for(self, identifier: UUID, name: str) -> ProductDetail:
        """A product that is on sale."""
        product = find_on_sale(self.scope, identifier)
        if product is None:
            raise KeyError(name)
        return ProductDetail(self.request, self, name, product)


class AdminProduct(ProductNode):
    """``…/admin/products/{product_id}``"""


class AdminProducts(Collection):
    """``…/admin/products``"""

    item = AdminProduct
    parameter = "product_id"

    __acl__ = (
        (Allow, f"scope:{Permission.READ_CATALOG}", Permission.READ_CATALOG),
        (Allow, f"scope:{Permission.WRITE_CATALOG}", (Permission.READ_CATALOG, Permission.WRITE_CATALOG)),
    )

    def item_for(self, identifier: UUID, name: str) -> AdminProduct:
        """Any product."""
        product = find_product(self.scope, identifier)
        if product is None:
            raise KeyError(name)
        return AdminProduct(self.request, self, name, product)
