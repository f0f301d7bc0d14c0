"""``rest`` and the app passwords in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.request import Request

from autonomy_core.plugin_api.resources import Collection, Resource
from media_mp3.subsonic.passwords import is_offered


class SubsonicCall(Resource):
    """``…/rest/{name}``: any name. Which calls there are, `dispatch` knows."""


class Subsonic(Resource):
    """``/rest`` and ``/{organisation}/rest``"""

    def __getitem__(self, name: str) -> SubsonicCall:
        if not is_offered(self.scope):
            raise KeyError(name)
        return SubsonicCall(self.request, self, name)


class AppPasswordNode(Resource):
    """``…/customers/app-passwords/{app_password_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, password_id: UUID) -> None:
        super().__init__(request, parent, name)
        self.password_id = password_id


class AppPasswords(Collection):
    """``…/customers/app-passwords``"""

    item = AppPasswordNode
    parameter = "app_password_id"

    def item_for(self, identifier: UUID, name: str) -> AppPasswordNode:
        """Return the resource of any id; the view's service checks it."""
        return AppPasswordNode(self.request, self, name, identifier)
