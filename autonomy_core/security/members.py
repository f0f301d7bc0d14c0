"""Members of staff: accounts of customers that have a role in the organisation."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Select, select

from autonomy_core.errors import NotAllowed
from autonomy_core.kernel.identity import TWO_FACTORS, Identity, member_identity
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.models import StaffMember
from autonomy_core.security.roles import NEED_TWO_FACTORS, Role, scopes_of


class SecondFactorNeeded(NotAllowed):
    """The role of the member needs a second factor, and the login was made without one."""

    code, title = "staff_needs_second_factor", "Log in with a second factor to act as staff"


def current_members() -> Select[StaffMember]:
    """Select the members of staff, without former ones."""
    return select(StaffMember).where(StaffMember.ended_at.is_(None))


def member_of(scope: TenantScope, customer_id: UUID) -> StaffMember | None:
    """Return the membership of a customer, or None."""
    statement = current_members().where(StaffMember.customer_id == customer_id)
    return scope.session.scalars(statement).one_or_none()


def role_scopes(scope: TenantScope, role: Role) -> frozenset[str]:
    """Return what a role allows in this organisation."""
    runtime = runtime_of(scope)
    offered: Mapping[str, frozenset[str]] = runtime.role_scopes
    return scopes_of(role, runtime.scopes, offered)


def as_member(scope: TenantScope, customer: Identity) -> Identity:
    """Return the identity of a customer as a member of staff.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer: the identity of a customer with a token.

    Raises:
        NotAllowed: the customer is no member of staff.
        SecondFactorNeeded: the role needs a second factor, and the login has none.
    """
    member = member_of(scope, customer.id) if customer.kind == "customer" else None
    if member is None:
        raise NotAllowed
    role = Role(member.role)
    if role in NEED_TWO_FACTORS and TWO_FACTORS not in customer.principals:
        raise SecondFactorNeeded
    return member_identity(customer, role_scopes(scope, role))
