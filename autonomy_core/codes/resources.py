"""Download codes in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.resources import AdminProduct
from autonomy_core.codes.models import CodeBatch
from autonomy_core.codes.services import find_batch
from autonomy_core.traversal.resources import Collection, Resource


class AdminCodeBatch(Resource):
    """``…/admin/products/{product_id}/codes/{batch_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, batch: CodeBatch) -> None:
        super().__init__(request, parent, name)
        self.batch = batch


class AdminCodes(Collection):
    """``…/admin/products/{product_id}/codes``"""

    item = AdminCodeBatch
    parameter = "batch_id"

    @property
    def product(self) -> Product:
        """The product in the URL."""
        parent = self.__parent__
        assert isinstance(parent, AdminProduct)  # noqa: S101 - for the type checker: it has no other parent
        return parent.product

    def item_for(self, identifier: UUID, name: str) -> AdminCodeBatch:
        """Return a batch of the product."""
        batch = find_batch(self.scope, self.product.id, identifier)
        if batch is None:
            raise KeyError(name)
        return AdminCodeBatch(self.request, self, name, batch)


class CustomerCodes(Resource):
    """``…/customers/codes``"""


class GuestCodes(Resource):
    """``…/codes``"""
