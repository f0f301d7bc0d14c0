"""Staff over HTTP: members, invitations and API keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.request import Request

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.resources import Me
from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.identity import Permission
from autonomy_core.security import api_keys
from autonomy_core.security.models import ApiKey, StaffMember
from autonomy_core.security.roles import Role
from autonomy_core.staff import keys, log, services
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.staff.resources import (
    AdminAudit,
    AdminInvitation,
    AdminInvitations,
    AdminKey,
    AdminKeys,
    AdminStaff,
    AdminStaffMember,
)
from autonomy_core.staff.schemas import (
    AcceptanceSchema,
    AuditEntrySchema,
    AuditQuery,
    InvitationSchema,
    IssuedKeySchema,
    KeySchema,
    MembershipSchema,
    NewInvitationSchema,
    NewKeySchema,
    RoleSchema,
    StaffSchema,
)
from autonomy_core.traversal.resources import Admin
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import PageQuery, page_of, paginate


@api_view(
    context=AdminStaff,
    method="GET",
    summary="List the staff",
    permission=Permission.MANAGE_STAFF,
    query=PageQuery,
    returns=page_of(StaffSchema),
)
def list_staff(context: AdminStaff, request: Request) -> dict[str, Any]:
    """Lists the members of staff, the newest membership first."""
    page = services.staff_page(context.scope, request.query)
    return {**page, "items": [_shown(member, account) for member, account in page["items"]]}


@api_view(
    context=AdminStaffMember,
    method="PATCH",
    summary="Change the role of a member of staff",
    permission=Permission.MANAGE_STAFF,
    body=RoleSchema,
    returns=StaffSchema,
    errors=(services.BeyondOwnRights, services.LastOwner),
)
def change_role(context: AdminStaffMember, request: Request) -> Mapping[str, Any]:
    """The member's API keys keep only the scopes that the new role allows."""
    role = Role(request.validated["role"])
    member = services.change_role(context.scope, context.member, role, _giver(request))
    return _shown(member, services.account_of(context.scope, member))


@api_view(
    context=AdminStaffMember,
    method="DELETE",
    summary="End the membership of a member of staff",
    permission=Permission.MANAGE_STAFF,
    status=204,
    errors=(services.BeyondOwnRights, services.LastOwner),
)
def end_membership(context: AdminStaffMember, request: Request) -> None:
    """The member's API keys are revoked at once. The account stays, as that of a customer."""
    services.end(context.scope, context.member, _giver(request))


@api_view(
    context=AdminInvitations,
    method="GET",
    summary="List invitations",
    permission=Permission.MANAGE_STAFF,
    query=PageQuery,
    returns=page_of(InvitationSchema),
)
def list_invitations(context: AdminInvitations, request: Request) -> dict[str, Any]:
    """Lists the invitations that can be accepted, newest first."""
    found = services.open_invitations()
    return paginate(context.scope.session, found, StaffInvitation.id, request.query)


@api_view(
    context=AdminInvitations,
    method="POST",
    summary="Invite a member of staff",
    permission=Permission.MANAGE_STAFF,
    body=NewInvitationSchema,
    returns=InvitationSchema,
    status=201,
    errors=(services.BeyondOwnRights, services.AlreadyStaff),
)
def invite(context: AdminInvitations, request: Request) -> StaffInvitation:
    """Sends a mail with a link. The owner of the mailbox can accept it within seven days, after a login."""
    wanted = request.validated
    return services.invite(context.scope, wanted["email"], Role(wanted["role"]), _giver(request))


@api_view(
    context=AdminInvitation,
    method="DELETE",
    summary="Withdraw an invitation",
    permission=Permission.MANAGE_STAFF,
    status=204,
    errors=(services.BeyondOwnRights,),
)
def withdraw(context: AdminInvitation, request: Request) -> None:
    """The link in the mail becomes invalid. An accepted invitation is not affected: end the membership."""
    services.withdraw(context.scope, context.invitation, _giver(request))


@api_view(
    context=Me,
    name="staff",
    method="POST",
    summary="Accept an invitation to the staff",
    permission=Permission.OWN,
    body=AcceptanceSchema,
    returns=MembershipSchema,
    status=201,
    errors=(services.InvalidInvitation, services.AlreadyStaff),
)
def accept(context: Me, request: Request) -> StaffMember:
    """The account must have the address to which the invitation was sent. The address counts as proven."""
    return services.accept(context.scope, context.customer, request.validated["token"])


@api_view(
    context=AdminKeys,
    method="GET",
    summary="List API keys",
    permission=Permission.MANAGE_STAFF,
    query=PageQuery,
    returns=page_of(KeySchema),
)
def list_keys(context: AdminKeys, request: Request) -> dict[str, Any]:
    """Lists all API keys, newest first, including those that were revoked."""
    return paginate(context.scope.session, api_keys.every_key(), ApiKey.id, request.query)


@api_view(
    context=AdminKeys,
    method="POST",
    summary="Issue an API key",
    permission=Permission.MANAGE_STAFF,
    body=NewKeySchema,
    returns=IssuedKeySchema,
    status=201,
    errors=(services.BeyondOwnRights, InvalidInput),
)
def issue_key(context: AdminKeys, request: Request) -> dict[str, Any]:
    """The text of the key is shown only in this answer. The key ends with the membership of its owner."""
    key, text = keys.issue(context.scope, request.identity, _giver(request), **request.validated)
    return {"api_key": key, "text": text}


@api_view(
    context=AdminKey,
    method="DELETE",
    summary="Revoke an API key",
    permission=Permission.MANAGE_STAFF,
    returns=KeySchema,
    errors=(services.BeyondOwnRights,),
)
def revoke_key(context: AdminKey, request: Request) -> Any:
    """Takes effect at once. Revoking a key twice has no effect. The caller needs the key's rights."""
    return keys.revoke(context.scope, request.identity, _giver(request), context.key)


@api_view(
    context=AdminAudit,
    method="GET",
    summary="Read the audit log",
    permission=Permission.READ_AUDIT,
    query=AuditQuery,
    returns=page_of(AuditEntrySchema),
)
def read_audit_log(context: AdminAudit, request: Request) -> dict[str, Any]:
    """Lists what staff, API keys and the command line did, newest first."""
    filters = {name: request.query[name] for name in ("actor", "action", "target", "since", "until")}
    page = paginate(context.scope.session, log.entries(**filters), AuditEntry.id, request.query)
    return {**page, "items": log.with_names(context.scope, page["items"])}


def _giver(request: Request) -> services.Giver:
    """The caller's rights: the scopes among the caller's principals."""
    prefix = "scope:"
    principals = request.identity.principals
    scopes = {each.removeprefix(prefix) for each in principals if each.startswith(prefix)}
    return services.Giver(request.actor, frozenset(scopes), request.identity)


def _shown(member: StaffMember, customer: Any) -> Mapping[str, Any]:
    return {
        "id": member.id,
        "customer_id": member.customer_id,
        "email": customer.email,
        "name": customer.name,
        "role": member.role,
        "since": member.since,
        "invited_by": member.invited_by,
    }


def includeme(config: Any) -> None:
    """Add staff, invitations and API keys to the staff's part of the resource tree."""
    config.add_child(Admin, "staff", AdminStaff)
    config.add_child(Admin, "invitations", AdminInvitations)
    config.add_child(Admin, "keys", AdminKeys)
    config.add_child(Admin, "audit", AdminAudit)
    config.scan(__name__)
