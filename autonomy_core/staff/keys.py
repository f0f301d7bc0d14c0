"""API keys that staff issue over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from autonomy_core.customers.models import Customer
from autonomy_core.db.base import utcnow
from autonomy_core.errors import InvalidInput, NotAllowed, NotFound
from autonomy_core.kernel.identity import Identity
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security import api_keys
from autonomy_core.security.members import current_members, role_scopes
from autonomy_core.security.models import ApiKey, StaffMember
from autonomy_core.security.roles import Role
from autonomy_core.staff.services import Giver, lock_member_of


def issue(
    scope: TenantScope,
    issuer: Identity,
    giver: Giver,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Issue an API key. It belongs to the member of staff who issues it, and ends with the membership.

    A key that a key issues does not outlive it.

    Args:
        scope: the scope of the organisation, in a transaction.
        issuer: the caller; an API key that issues another one gives it to the same member.
        giver: the caller's rights.
        name: the purpose of the key, for people.
        scopes: the key's scopes.
        expires_at: until when it can be used; None for as long as the issuer.

    Returns:
        The stored key, and its text, which is not stored.

    Raises:
        BeyondOwnRights: a scope that the caller does not have.
        NotAllowed: the caller's membership ended a moment ago.
        InvalidInput: an unknown scope, or an expiry in the past.
        NotAuthenticated: the caller's login has ended.
    """
    giver.require_open_login(scope)
    giver.require(scopes)
    if expires_at is not None and expires_at <= utcnow():
        raise InvalidInput("expires_at is in the past")
    own = api_keys.find_key(scope, issuer.id) if issuer.kind == "staff" else None
    if own is not None and own.expires_at is not None:
        expires_at = min(expires_at or own.expires_at, own.expires_at)
    member = _lock_member(scope, issuer, own)
    if member is not None:
        replace(giver, scopes=role_scopes(scope, Role(member.role))).require(scopes)
    member_id = member.id if member is not None else None
    return api_keys.issue(scope, name, scopes, actor=giver.actor, member_id=member_id, expires_at=expires_at)


def issue_for(
    scope: TenantScope,
    email: str,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None,
    actor: str,
) -> tuple[ApiKey, str]:
    """Issue an API key that belongs to a member of staff, at the operator's command.

    Args:
        scope: the scope of the organisation, in a transaction.
        email: the address of the member's account, in its canonical form.
        name: the purpose of the key, for people.
        scopes: the key's scopes.
        expires_at: until when it can be used, timezone-aware; None for no limit.
        actor: the operator, for the audit log.

    Returns:
        The stored key, and its text, which is not stored.

    Raises:
        NotFound: no member of staff has the address.
        InvalidInput: the member's role does not allow a scope, or no scope was given.
    """
    member = lock_member_of(scope, email)
    if member is None:
        raise NotFound(f"No member of staff has the address {email}.")
    role = Role(member.role)
    beyond = sorted(set(scopes) - role_scopes(scope, role))
    if beyond:
        raise InvalidInput(f"The role {role} does not allow {', '.join(beyond)}.")
    return api_keys.issue(scope, name, scopes, actor=actor, member_id=member.id, expires_at=expires_at)


def owners(scope: TenantScope) -> Mapping[UUID, str]:
    """Return the addresses of all members of staff by the ids of their memberships, former ones included."""
    rows = scope.session.execute(
        select(StaffMember.id, Customer.email).join(Customer, Customer.id == StaffMember.customer_id)
    )
    return {row.id: row.email for row in rows}


def revoke(scope: TenantScope, caller: Identity, giver: Giver, key: ApiKey) -> ApiKey:
    """Revoke a key immediately. Revoking a revoked key has no effect.

    Args:
        scope: the scope of the organisation, in a transaction.
        caller: the caller. An API key may revoke what its owner may, and itself.
        giver: the caller's rights.
        key: the key.

    Raises:
        BeyondOwnRights: the key may do more than the caller, or than the caller's owner.
    """
    own = api_keys.find_key(scope, caller.id) if caller.kind == "staff" else None
    if own is None or own.id != key.id:
        # A scope whose plugin was removed gives no right, and no role has it.
        replace(giver, scopes=_rights_of(scope, giver, own)).require(
            runtime_of(scope).scopes.keys() & set(key.scopes)
        )
    return api_keys.revoke(scope, key.id, actor=giver.actor)


def _rights_of(scope: TenantScope, giver: Giver, own: ApiKey | None) -> frozenset[str] | None:
    """Return the rights of the caller; those of the owner for a caller's API key that has one."""
    if own is None or own.member_id is None or giver.scopes is None:
        return giver.scopes
    owner = current_members().where(StaffMember.id == own.member_id)
    member = scope.session.scalars(owner).one_or_none()
    return giver.scopes | (role_scopes(scope, Role(member.role)) if member else frozenset())


def _lock_member(scope: TenantScope, issuer: Identity, own: ApiKey | None) -> StaffMember | None:
    """Return the member to whom the key will belong; None if it belongs to the organisation's back end.

    The end of the membership and a change of the role wait for the lock. Otherwise a key that is issued at
    the same moment would keep the rights.

    Raises:
        NotAllowed: the membership ended a moment ago.
    """
    if own is not None and own.member_id is None:
        return None
    who = StaffMember.id == own.member_id if own is not None else StaffMember.customer_id == issuer.id
    locked = current_members().where(who).with_for_update(read=True)
    member = scope.session.scalars(locked.execution_options(populate_existing=True)).one_or_none()
    if member is None:
        raise NotAllowed
    return member
