"""Products in the resource tree."""

from __future__ import annotations

from types import MappingProxyType
from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import find_by_slug, find_on_sale, find_product
from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource


class ProductNode(Resource):
    """A resource for one product."""

    def __init__(self, request: Request, parent: Resource, name: str, product: Product) -> None:
        super().__init__(request, parent, name)
        self.product = product


class ProductDetail(ProductNode):
    """``…/products/{product_id}``"""

    @property
    def is_at_old_slug(self) -> bool:
        """Whether the URL has a slug that the product had before."""
        return parse_uuid(self.__name__ or "") is None and self.__name__ != self.product.shown.slug


class Products(Collection):
    """``…/products``: the products that customers see, by id or slug."""

    item = ProductDetail
    parameter = "product_id"
    identifier = MappingProxyType({"type": "string", "description": "the product's id, or its `slug`"})

    def __getitem__(self, name: str) -> Resource:
        """Return a child: a node with this name, or the product with this id or this present or old slug."""
        try:
            return super().__getitem__(name)
        except KeyError:
            product = None if parse_uuid(name) else find_by_slug(self.scope, name)
            if product is None:
                raise
        return ProductDetail(self.request, self, name, product)

    def item_for(self, identifier: UUID, name: str) -> ProductDetail:
        """Return a product that customers see."""
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
        """Return any product of the organisation."""
        product = find_product(self.scope, identifier)
        if product is None:
            raise KeyError(name)
        return AdminProduct(self.request, self, name, product)
