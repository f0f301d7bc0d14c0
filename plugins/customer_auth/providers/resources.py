"""The nodes of providers in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource


class ProviderLogins(Resource):
    """``…/customers/providers``: logins at other providers of identities."""

    is_public = True


class LinkedIdentity(Resource):
    """``…/customers/providers/linked/{identity_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, identity_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.identity_id = identity_id


class LinkedIdentities(Collection):
    """``…/customers/providers/linked``: the identities that are linked to the customer's account."""

    item = LinkedIdentity
    parameter = "identity_id"

    def item_for(self, identifier: UUID, name: str) -> LinkedIdentity:
        """Return the resource of any id; the view's service checks it."""
        return LinkedIdentity(self.request, self, name, identifier)
