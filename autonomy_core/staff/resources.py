"""Staff, invitations and API keys in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.kernel.identity import Permission
from autonomy_core.security.api_keys import find_key
from autonomy_core.security.models import ApiKey, StaffMember
from autonomy_core.staff import services
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.traversal.resources import Collection, Resource

ACL = ((Allow, f"scope:{Permission.MANAGE_STAFF}", Permission.MANAGE_STAFF),)


class AdminStaffMember(Resource):
    """``…/admin/staff/{member_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, member: StaffMember) -> None:
        super().__init__(request, parent, name)
        self.member = member


class AdminStaff(Collection):
    """``…/admin/staff``"""

    item = AdminStaffMember
    parameter = "member_id"
    __acl__ = ACL

    def item_for(self, identifier: UUID, name: str) -> AdminStaffMember:
        """Return a current member of staff."""
        member = services.find_member(self.scope, identifier)
        if member is None:
            raise KeyError(name)
        return AdminStaffMember(self.request, self, name, member)


class AdminInvitation(Resource):
    """``…/admin/invitations/{invitation_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, invitation: StaffInvitation) -> None:
        super().__init__(request, parent, name)
        self.invitation = invitation


class AdminInvitations(Collection):
    """``…/admin/invitations``"""

    item = AdminInvitation
    parameter = "invitation_id"
    __acl__ = ACL

    def item_for(self, identifier: UUID, name: str) -> AdminInvitation:
        """Return any invitation of the organisation."""
        invitation = services.find_invitation(self.scope, identifier)
        if invitation is None:
            raise KeyError(name)
        return AdminInvitation(self.request, self, name, invitation)


class AdminKey(Resource):
    """``…/admin/keys/{key_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, key: ApiKey) -> None:
        super().__init__(request, parent, name)
        self.key = key


class AdminKeys(Collection):
    """``…/admin/keys``"""

    item = AdminKey
    parameter = "key_id"
    __acl__ = ACL

    def item_for(self, identifier: UUID, name: str) -> AdminKey:
        """Return any API key of the organisation."""
        key = find_key(self.scope, identifier)
        if key is None:
            raise KeyError(name)
        return AdminKey(self.request, self, name, key)


class AdminAudit(Resource):
    """``…/admin/audit``"""

    __acl__ = ((Allow, f"scope:{Permission.READ_AUDIT}", Permission.READ_AUDIT),)
