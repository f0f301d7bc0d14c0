"""A customer's products in the tree."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.catalog.resources import ProductNode
from autonomy_core.catalog.services import find_product
from autonomy_core.traversal.resources import Collection


class CustomerProduct(ProductNode):
    """``…/customers/products/{product_id}``: a product, as the customer who asks may buy it or owns it."""


class CustomerProducts(Collection):
    """``…/customers/products``"""

    item = CustomerProduct
    parameter = "product_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerProduct:
        """A product of the organisation; what the customer may do with it is decided by the view's service."""
        product = find_product(self.scope, identifier)
        if product is None:
            raise KeyError(name)
        return CustomerProduct(self.request, self, name, product)
