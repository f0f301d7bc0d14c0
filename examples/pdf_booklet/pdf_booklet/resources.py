"""The plugin's nodes in the tree."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from autonomy_core.plugin_api.resources import CustomerProduct, ProductNode, Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission


class AdminBooklet(Resource):
    """``…/admin/products/{product_id}/booklet``"""

    @property
    def product_id(self) -> UUID:
        """The product above it."""
        assert isinstance(self.__parent__, ProductNode)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product.id


class CustomerBooklet(Resource):
    """``…/customers/products/{product_id}/booklet``: for a customer, or the holder of a link to this path."""

    def __acl__(self) -> Any:
        """The view finds out whether they own the product."""
        return [
            (Allow, CUSTOMER, Permission.OWN),
            *((Allow, who, Permission.LISTEN) for who in (CUSTOMER, f"link:{self.request.path}")),
        ]

    @property
    def product_id(self) -> UUID:
        """The product above it."""
        assert isinstance(self.__parent__, CustomerProduct)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product_id
