"""The jobs of customers."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.customers.deletion import erase_due
from autonomy_core.customers.erasing import ERASE_JOB, erase
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.scope import TenantScope

HOUR_S = 3600


def erase_customer(scope: TenantScope, *, customer_id: str, actor: str) -> None:
    """Erase a customer at the request of staff."""
    erase(scope, UUID(customer_id), actor=actor)


JOBS = (
    Job("customers.erase_due", erase_due, every=HOUR_S),
    Job(ERASE_JOB, erase_customer),
)
