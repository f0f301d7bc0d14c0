"""Uploads in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.files.models import PendingUpload
from autonomy_core.files.uploads import services
from autonomy_core.files.uploads.domain import VERSION
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Collection, Resource


class AdminUpload(Resource):
    """``…/admin/uploads/{upload_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, upload: PendingUpload) -> None:
        super().__init__(request, parent, name)
        self.upload = upload


class AdminUploads(Collection):
    """``…/admin/uploads``: for staff who may write products."""

    item = AdminUpload
    parameter = "upload_id"
    __acl__ = (
        (Allow, f"scope:{Permission.READ_CATALOG}", Permission.READ_CATALOG),
        (Allow, f"scope:{Permission.WRITE_CATALOG}", (Permission.READ_CATALOG, Permission.WRITE_CATALOG)),
    )

    def __init__(self, request: Request, parent: Resource, name: str) -> None:
        super().__init__(request, parent, name)
        # Every answer says the version, also that of an error, unless the edge refuses the request.
        request.add_response_callback(_say_version)

    def item_for(self, identifier: UUID, name: str) -> AdminUpload:
        """An upload of the organisation."""
        upload = services.find_upload(self.scope, identifier)
        if upload is None:
            raise KeyError(name)
        return AdminUpload(self.request, self, name, upload)


def _say_version(request: Request, response: Response) -> None:
    response.headers.update({"Tus-Resumable": VERSION, "Tus-Version": VERSION})
