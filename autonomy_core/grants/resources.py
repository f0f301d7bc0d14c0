"""A customer's products in the tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.decorator import reify
from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import ProductNode
from autonomy_core.catalog.services import find_product
from autonomy_core.errors import NotFound
from autonomy_core.traversal.resources import Collection, Resource


class CustomerProduct(ProductNode):
    """``…/customers/products/{product_id}``: a product, as the customer who asks may buy it or owns it.

    It is read when it is first asked for: a purchase reads it with all else that decides.
    """

    def __init__(self, request: Request, parent: Resource, name: str, product_id: UUID) -> None:
        Resource.__init__(self, request, parent, name)
        self.product_id = product_id

    @reify
    def product(self) -> Product:
        """The product.

        Raises:
            NotFound: the organisation has none of this id.
        """
        product = find_product(self.scope, self.product_id)
        if product is None:
            raise NotFound
        return product


class CustomerProducts(Collection):
    """``…/customers/products``"""

    item = CustomerProduct
    parameter = "product_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerProduct:
        """A product of the organisation; what the customer may do with it is decided by the view's service."""
        return CustomerProduct(self.request, self, name, identifier)
