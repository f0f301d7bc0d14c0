"""Have a payment's provider asked, by a job, what has become of the payment."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope

CHECK_JOB = "payments.check"
"""The job that asks a payment's provider what has become of it."""


def check_later(scope: TenantScope, payment_id: UUID, *, in_seconds: int = 0) -> None:
    """Have the worker ask the provider what has become of a payment, if the scope's transaction is committed."""
    defer(scope, CHECK_JOB, in_seconds=in_seconds, payment_id=str(payment_id))
