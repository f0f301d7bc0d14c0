"""Covers in the resource tree."""

from __future__ import annotations

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import ProductNode
from autonomy_core.traversal.resources import Resource


class AdminCover(Resource):
    """``…/admin/products/{product_id}/cover``"""

    @property
    def product(self) -> Product:
        """The product above it."""
        assert isinstance(self.__parent__, ProductNode)  # noqa: S101 - it is only below such nodes
        return self.__parent__.product
