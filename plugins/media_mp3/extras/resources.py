"""The nodes of extras in the tree."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource
from autonomy_core.plugin_api.security import CUSTOMER, Allow, Permission
from media_mp3.extras import services
from media_mp3.extras.models import Extra
from media_mp3.resources import ProductTracks


class CustomerProductExtras(ProductTracks):
    """``…/customers/products/{product_id}/extras``: for a customer who owns the product."""


class AdminExtra(Resource):
    """``…/admin/products/{product_id}/extras/{extra_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, extra: Extra) -> None:
        super().__init__(request, parent, name)
        self.extra = extra


class AdminProductExtras(ProductTracks, Collection):
    """``…/admin/products/{product_id}/extras``: for staff."""

    item = AdminExtra
    parameter = "extra_id"

    def item_for(self, identifier: UUID, name: str) -> AdminExtra:
        """An extra of the product; also a removed one."""
        extra = services.find_extra(self.scope, identifier)
        if extra is None or extra.product_id != self.product.id:
            raise KeyError(name)
        return AdminExtra(self.request, self, name, extra)


class ExtraNode(Resource):
    """``…/customers/extras/{extra_id}``: for a customer or the holder of a link to a path below it."""

    def __init__(self, request: Request, parent: Resource, name: str, extra: Extra) -> None:
        super().__init__(request, parent, name)
        self.extra = extra

    def __acl__(self) -> Any:
        """The view finds out whether they own the product."""
        holders = (CUSTOMER, f"link:{self.request.path}")
        return [(Allow, principal, Permission.LISTEN) for principal in holders]


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
