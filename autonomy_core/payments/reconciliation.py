"""What never arrived is fetched: the provider is asked what has become of a payment."""

from __future__ import annotations

from uuid import UUID

import structlog

from autonomy_core.jobs.services import defer
from autonomy_core.payments.domain import ProofFailed
from autonomy_core.payments.journal import note
from autonomy_core.payments.services import find_payment
from autonomy_core.payments.settlement import settle
from autonomy_core.plugin_api.scope import TenantScope

log = structlog.get_logger(__name__)

CHECK_JOB = "payments.check"
"""The job that asks a payment's provider what has become of it."""


def check_later(scope: TenantScope, payment_id: UUID) -> None:
    """Have the worker ask the provider what has become of a payment, if the scope's transaction is committed."""
    defer(scope, CHECK_JOB, payment_id=str(payment_id))


def check(scope: TenantScope, payment_id: UUID) -> bool:
    """Ask a payment's provider what has become of it, and settle that. Returns whether it changed anything.

    A report that does not fit the payment is noted in its journal and changes nothing.

    Args:
        scope: to find the payment; the provider is asked and the payment settled in transactions of their own.

    Raises:
        Unavailable: the provider does not answer.
    """
    payment = find_payment(scope, payment_id)
    provider = scope.runtime.providers.get(payment.provider) if payment else None
    if provider is None or provider.name not in scope.organisation.plugins:
        return False
    try:
        settlement = provider.fetch_state(scope, payment_id)
        if settlement is None:
            return False
        with scope.runtime.transaction(scope.organisation) as own:
            return settle(own, settlement, provider=provider.name).changed
    except ProofFailed as error:
        log.warning("payment.report_refused", payment_id=str(payment_id), reason=str(error))
        with scope.runtime.transaction(scope.organisation) as own:
            note(own, payment_id, "report_refused", reason=str(error), source="reconciler")
        return False
