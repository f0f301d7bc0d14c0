"""What the ledger of grants keeps of a customer. It has nothing to erase: ids, dates and reasons stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's grants, oldest first."""
    mine = select(Grant).where(Grant.customer_id == customer_id).order_by(Grant.id)
    found = scope.session.scalars(mine.options(joinedload(Grant.product)))
    yield (
        "grants.json",
        [
            {
                "id": grant.id,
                "product_id": grant.product_id,
                "product": grant.product.title,
                "payment_id": grant.payment_id,
                "environment": grant.environment,
                "granted_at": grant.granted_at,
                "revoked_at": grant.revoked_at,
                "revoked_because": grant.revoked_because,
            }
            for grant in found
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Do nothing."""


PERSONAL_DATA = PersonalData("grants", export, erase)
