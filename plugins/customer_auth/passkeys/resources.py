"""Passkeys in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource


class CustomerPasskey(Resource):
    """``…/customers/passkeys/{passkey_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, passkey_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.passkey_id = passkey_id


class CustomerPasskeys(Collection):
    """``…/customers/passkeys``"""

    item = CustomerPasskey
    parameter = "passkey_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerPasskey:
        """Return the resource of any id; the view's service checks it."""
        return CustomerPasskey(self.request, self, name, identifier)
