"""Members of staff: invite, accept, change the role, end. The audit log has every step."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from autonomy_core.audit.services import record
from autonomy_core.customers.logins import require_open_login
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import prove_address
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.errors import Conflict, InvalidInput, NotAllowed
from autonomy_core.kernel.identity import Identity
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.services import send
from autonomy_core.security import api_keys
from autonomy_core.security.members import current_members, member_of, role_scopes
from autonomy_core.security.models import ApiKey, StaffMember
from autonomy_core.security.roles import Role
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.web.schemas import paginate

INVITATION = "staff.invitation"
"""The name of the mail with an invitation."""

VALID_FOR = timedelta(days=7)


class InvalidInvitation(InvalidInput):
    """The invitation is unknown, used, expired, withdrawn, or for another address."""

    code, title = "invalid_invitation", "This invitation is not valid for this account"


class AlreadyStaff(Conflict):
    """The account with the address is a member of staff already."""

    code, title = "already_staff", "This account is a member of staff already"


class LastOwner(Conflict):
    """Without an owner, only the command line could invite one."""

    code, title = "last_owner", "The organisation needs another owner first"


class BeyondOwnRights(NotAllowed):
    """The caller would give or take a right that the caller does not have."""

    code, title = "beyond_own_rights", "You cannot give or take rights that you do not have"


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives rights.

    Attributes:
        actor: for the audit log.
        scopes: the rights of the giver; None for the operator on the command line, who has all.
        caller: the identity of the request; None on the command line.
    """

    actor: str
    scopes: frozenset[str] | None
    caller: Identity | None = None

    def require(self, scopes: Collection[str]) -> None:
        """Make sure that the giver has every scope that is given.

        Raises:
            BeyondOwnRights
        """
        if self.scopes is not None and not self.scopes.issuperset(scopes):
            raise BeyondOwnRights

    def require_open_login(self, scope: TenantScope) -> None:
        """Raise NotAuthenticated if the login of a member of staff has ended. An API key has no login."""
        if self.caller is not None and self.caller.kind == "member":
            require_open_login(scope, self.caller.id, self.caller.session_id)


def list_staff(scope: TenantScope) -> Sequence[tuple[StaffMember, Customer]]:
    """Return the members of staff with their accounts, the oldest membership first."""
    return [(one, account) for one, account in scope.session.execute(_staff().order_by(StaffMember.id))]


def staff_page(scope: TenantScope, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of `list_staff`, the newest membership first; ``query`` is what `PageQuery` loaded."""
    page = paginate(scope.session, current_members(), StaffMember.id, query)
    found = _staff().where(StaffMember.id.in_([member.id for member in page["items"]]))
    return {**page, "items": scope.session.execute(found.order_by(StaffMember.id.desc())).all()}


def lock_member_of(scope: TenantScope, email: str) -> StaffMember | None:
    """Return the membership of the account with an address, or None; its end and a change of the role wait.

    Args:
        scope: the scope of the organisation, in a transaction.
        email: the address, in its canonical form.
    """
    locked = _staff().where(Customer.email == email).with_for_update(read=True, of=StaffMember)
    found = scope.session.execute(locked).one_or_none()
    return found.StaffMember if found is not None else None


def _staff() -> Select[StaffMember, Customer]:
    return current_members().add_columns(Customer).join(Customer, Customer.id == StaffMember.customer_id)


def open_invitations() -> Select[StaffInvitation]:
    """Select the invitations that can be accepted."""
    return select(StaffInvitation).where(
        StaffInvitation.member_id.is_(None),
        StaffInvitation.revoked_at.is_(None),
        StaffInvitation.expires_at > utcnow(),
    )


def invite(scope: TenantScope, email: str, role: Role, giver: Giver) -> StaffInvitation:
    """Invite the owner of a mailbox. A mail with a link goes to the address.

    An earlier invitation of the address is withdrawn. Otherwise the recipient could choose between two
    roles, or come back with the other invitation after the membership was ended.

    Args:
        scope: the scope of the organisation, in a transaction.
        email: the address, in its canonical form.
        role: the role.
        giver: who invites.

    Raises:
        BeyondOwnRights: the role allows more than the giver may do.
        AlreadyStaff: the account with the address is a member.
        NotAuthenticated: the giver's login has ended.
    """
    giver.require_open_login(scope)
    giver.require(role_scopes(scope, role))
    if scope.session.scalars(_staff().where(Customer.email == email)).first() is not None:
        raise AlreadyStaff
    _withdraw_all(scope, email, giver.actor)
    invitation = StaffInvitation(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        email=email,
        role=role,
        invited_by=giver.actor,
        expires_at=utcnow() + VALID_FOR,
    )
    scope.session.add(invitation)
    scope.session.flush()
    send(scope, INVITATION, email, {"invitation_id": str(invitation.id), "role": role})
    _record(scope, giver.actor, "staff.invited", f"staff_invitation:{invitation.id}", after={"role": role})
    return invitation


def new_token(scope: TenantScope, invitation_id: UUID) -> str | None:
    """Create the token of an invitation, for its mail; None if the invitation cannot be accepted any more.

    The token of an earlier mail becomes invalid.
    """
    token = secrets.token_urlsafe(32)
    found = scope.session.scalars(open_invitations().where(StaffInvitation.id == invitation_id)).one_or_none()
    if found is None:
        return None
    found.token_hash = _hash(token)
    return token


def accept(scope: TenantScope, customer: Customer, token: str) -> StaffMember:
    """Make a customer who is logged in a member of staff. The token came by mail, so it proves the address.

    Raises:
        InvalidInvitation: see there.
        AlreadyStaff: the customer is a member.
    """
    statement = open_invitations().where(StaffInvitation.token_hash == _hash(token)).with_for_update()
    invitation = scope.session.scalars(statement).one_or_none()
    if invitation is None or invitation.email != customer.email:
        raise InvalidInvitation
    prove_address(scope, customer.email, within=customer.id)
    if member_of(scope, customer.id) is not None:
        raise AlreadyStaff
    member = StaffMember(
        organisation_id=scope.organisation.id,
        id=uuid7(),
        customer_id=customer.id,
        role=invitation.role,
        invited_by=invitation.invited_by,
    )
    scope.session.add(member)
    scope.session.flush()
    invitation.member_id = member.id
    scope.session.flush()
    # Two invitations that were made at the same time did not see each other.
    _withdraw_all(scope, invitation.email, f"customer:{customer.id}")
    _record(scope, f"customer:{customer.id}", "staff.joined", _target(member), after={"role": member.role})
    return member


def withdraw(scope: TenantScope, invitation: StaffInvitation, giver: Giver) -> None:
    """Withdraw an invitation. Withdrawing it twice has no effect.

    Raises:
        BeyondOwnRights: the role of the invitation allows more than the giver may do.
    """
    giver.require(role_scopes(scope, Role(invitation.role)))
    _withdraw(scope, invitation, giver.actor)


def change_role(scope: TenantScope, member: StaffMember, role: Role, giver: Giver) -> StaffMember:
    """Give a member another role. The member's API keys keep the scopes that the new role allows.

    Open invitations by the member are withdrawn: the new role may not allow them.

    Raises:
        BeyondOwnRights: the old or the new role allows more than the giver may do.
        LastOwner: the member is the last owner.
    """
    before = Role(member.role)
    giver.require(role_scopes(scope, role) | role_scopes(scope, before))
    if role is not before:
        _require_other_owner(scope, member)
        member.role = role
        _withdraw_all_by(scope, member, giver.actor)
        for key in scope.session.scalars(_keys_of(member).order_by(ApiKey.id)):
            api_keys.narrow(scope, key, role_scopes(scope, role), actor=giver.actor)
        change = {"before": {"role": before}, "after": {"role": role}}
        _record(scope, giver.actor, "staff.role_changed", _target(member), **change)
    return member


def end(scope: TenantScope, member: StaffMember, giver: Giver) -> None:
    """End a membership, see `close`. The account stays.

    Raises:
        BeyondOwnRights: the member may do more than the giver.
        LastOwner: the member is the last owner.
    """
    giver.require(role_scopes(scope, Role(member.role)))
    _require_other_owner(scope, member)
    close(scope, member, actor=giver.actor)
    _record(scope, giver.actor, "staff.ended", _target(member), before={"role": member.role})


def close(scope: TenantScope, member: StaffMember, *, actor: str) -> None:
    """End a membership with all that it has given: API keys and open invitations.

    Args:
        scope: the scope of the organisation, in a transaction.
        member: the member.
        actor: who ends it, for the audit log.
    """
    member.ended_at = utcnow()
    scope.session.flush()
    _take_back(scope, member, actor)


def revoke_keys_and_invitations(scope: TenantScope, customer_id: UUID, *, actor: str) -> None:
    """Revoke the API keys of a member of staff, and withdraw the open invitations by the member.

    Call it when an account was stolen: each of them would let the thief in again. The audit log has each one.
    An account that is not staff has none. Members who have accepted an invitation stay.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer_id: the account.
        actor: who revokes, for the audit log.
    """
    member = member_of(scope, customer_id)
    if member is not None:
        _take_back(scope, member, actor)


def _take_back(scope: TenantScope, member: StaffMember, actor: str) -> None:
    _withdraw_all_by(scope, member, actor)
    for key in scope.session.scalars(_keys_of(member).order_by(ApiKey.id)):
        api_keys.revoke(scope, key.id, actor=actor)
    scope.session.flush()


def find_member(scope: TenantScope, member_id: UUID) -> StaffMember | None:
    """Return a current member, or None."""
    return scope.session.scalars(current_members().where(StaffMember.id == member_id)).one_or_none()


def find_invitation(scope: TenantScope, invitation_id: UUID) -> StaffInvitation | None:
    """Return an invitation, or None."""
    return scope.session.get(StaffInvitation, (scope.organisation.id, invitation_id))


def account_of(scope: TenantScope, member: StaffMember) -> Customer:
    """Return the account of a member."""
    return scope.session.get_one(Customer, (scope.organisation.id, member.customer_id))


def _require_other_owner(scope: TenantScope, member: StaffMember) -> None:
    """Lock the owners, so that two of them cannot remove each other at the same time."""
    if member.role != Role.OWNER:
        return
    owners = current_members().where(StaffMember.role == Role.OWNER.value)
    locked = scope.session.scalars(owners.order_by(StaffMember.id).with_for_update()).all()
    if all(each.id == member.id for each in locked):
        raise LastOwner


def _withdraw(scope: TenantScope, invitation: StaffInvitation, actor: str) -> None:
    if invitation.revoked_at is None:
        invitation.revoked_at = utcnow()
        about = f"staff_invitation:{invitation.id}"
        _record(scope, actor, "staff.invitation_withdrawn", about, before={"role": invitation.role})


def _withdraw_all(scope: TenantScope, email: str, actor: str) -> None:
    for invitation in scope.session.scalars(open_invitations().where(StaffInvitation.email == email)):
        _withdraw(scope, invitation, actor)


def _keys_of(member: StaffMember) -> Select[ApiKey]:
    return select(ApiKey).where(ApiKey.member_id == member.id, ApiKey.revoked_at.is_(None))


def _withdraw_all_by(scope: TenantScope, member: StaffMember, actor: str) -> None:
    """Withdraw the open invitations of a member and of the member's keys, which would outlive the rights."""
    keys = scope.session.scalars(select(ApiKey.id).where(ApiKey.member_id == member.id))
    actors = [f"member:{member.customer_id}", *(f"staff:{key_id}" for key_id in keys)]
    mine = open_invitations().where(StaffInvitation.invited_by.in_(actors)).order_by(StaffInvitation.id)
    # An invitation that is being accepted is no open one afterwards.
    for invitation in scope.session.scalars(mine.with_for_update()):
        _withdraw(scope, invitation, actor)
    scope.session.flush()


def _target(member: StaffMember) -> str:
    return f"staff:{member.customer_id}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _record(scope: TenantScope, actor: str, action: str, target: str, **detail: Any) -> None:
    record(scope, actor=actor, action=action, target=target, detail=detail)
