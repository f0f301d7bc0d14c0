"""A customer's recovery codes: each works once, instead of the authenticator app."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, func, select

from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.second_factors.domain import RECOVERY_CODES, new_recovery_code, recovery_hash
from customer_auth.second_factors.models import RecoveryCode


def replace(scope: TenantScope, customer_id: UUID) -> list[str]:
    """Create new codes, and return them. All earlier ones become invalid."""
    forget(scope, customer_id)
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    owner = {"organisation_id": scope.organisation.id, "customer_id": customer_id}
    scope.session.add_all(RecoveryCode(**owner, code_hash=recovery_hash(code)) for code in codes)
    scope.session.flush()
    return codes


def burn(scope: TenantScope, customer_id: UUID, code: str) -> bool:
    """Return whether a code is one of a customer's, and use it up. Of simultaneous calls, one gets True."""
    used = delete(RecoveryCode).where(
        RecoveryCode.customer_id == customer_id, RecoveryCode.code_hash == (recovery_hash(code) or "")
    )
    return scope.session.scalars(used.returning(RecoveryCode.code_hash)).one_or_none() is not None


def left(scope: TenantScope, customer_id: UUID) -> int:
    """Return how many codes a customer has."""
    counted = select(func.count(RecoveryCode.code_hash)).where(RecoveryCode.customer_id == customer_id)
    return scope.session.scalars(counted).one()


def forget(scope: TenantScope, customer_id: UUID) -> None:
    """Delete all codes of a customer."""
    scope.session.execute(delete(RecoveryCode).where(RecoveryCode.customer_id == customer_id))
