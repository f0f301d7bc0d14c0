"""The plugin's nodes in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource


class CustomerSession(Resource):
    """``…/customers/sessions/{login_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, login_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.login_id = login_id


class CustomerSessions(Collection):
    """``…/customers/sessions``: the logins of the customer."""

    item = CustomerSession
    parameter = "login_id"

    def item_for(self, identifier: UUID, name: str) -> CustomerSession:
        """Return the resource of any id; the view's service checks it."""
        return CustomerSession(self.request, self, name, identifier)
