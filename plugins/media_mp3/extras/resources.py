"""The nodes of extras in the tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource
from media_mp3.extras import services
from media_mp3.extras.models import Extra
from media_mp3.resources import Linked, OfProduct


class CustomerProductExtras(OfProduct):
    """``…/customers/products/{product_id}/extras``: for a customer who owns the product."""


class OfExtra(Resource):
    """A node of an extra."""

    def __init__(self, request: Request, parent: Resource, name: str, extra: Extra) -> None:
        super().__init__(request, parent, name)
        self.extra = extra


class AdminExtra(OfExtra):
    """``…/admin/products/{product_id}/extras/{extra_id}``"""


class AdminProductExtras(OfProduct, Collection):
    """``…/admin/products/{product_id}/extras``: for staff."""

    item = AdminExtra
    parameter = "extra_id"

    def item_for(self, identifier: UUID, name: str) -> AdminExtra:
        """An extra of the product; also a removed one."""
        extra = services.find_extra(self.scope, identifier)
        if extra is None or extra.product_id != self.product.id:
            raise KeyError(name)
        return AdminExtra(self.request, self, name, extra)


class ExtraNode(OfExtra, Linked):
    """``…/customers/extras/{extra_id}``: for a customer or the holder of a link to a path below it."""


class Extras(Collection):
    """``…/customers/extras``"""

    item = ExtraNode
    parameter = "extra_id"

    def item_for(self, identifier: UUID, name: str) -> ExtraNode:
        """An extra of the organisation."""
        extra = services.find_extra(self.scope, identifier)
        if extra is None:
            raise KeyError(name)
        return ExtraNode(self.request, self, name, extra)
