"""A job queries the payment's provider for the state of a payment."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope

CHECK_JOB = "payments.check"
"""The job that queries a payment's provider."""


def check_later(scope: TenantScope, payment_id: UUID, *, in_seconds: int = 0) -> None:
    """Defer a query of the payment's provider. It runs if the scope's transaction commits."""
    defer(scope, CHECK_JOB, in_seconds=in_seconds, payment_id=str(payment_id))
