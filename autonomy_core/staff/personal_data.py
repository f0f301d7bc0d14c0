"""What memberships and invitations keep of a customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from autonomy_core.customers.addresses import erasable_addresses
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.members import member_of
from autonomy_core.security.models import StaffMember
from autonomy_core.staff.models import StaffInvitation
from autonomy_core.staff.services import close


def end_membership(scope: TenantScope, source_id: UUID, _target_id: UUID) -> None:
    """End the membership of a customer who is merged. Rights do not move: an owner invites the account."""
    member = member_of(scope, source_id)
    if member is not None:
        close(scope, member, actor=f"customer:{source_id}")


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's memberships, oldest first."""
    mine = select(StaffMember).where(StaffMember.customer_id == customer_id).order_by(StaffMember.id)
    yield (
        "memberships.json",
        [
            {"role": member.role, "since": member.since, "ended_at": member.ended_at}
            for member in scope.session.scalars(mine)
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """End the membership, and delete the invitations to the customer's address."""
    member = member_of(scope, customer_id)
    if member is not None:
        close(scope, member, actor=f"customer:{customer_id}")
    to_them = func.lower(StaffInvitation.email).in_(erasable_addresses(scope, customer_id))
    scope.session.execute(delete(StaffInvitation).where(to_them))


PERSONAL_DATA = PersonalData("staff", export, erase)
