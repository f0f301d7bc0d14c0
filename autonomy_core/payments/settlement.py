"""The one function that settles a payment, and the hooks that run when it is completed.

Webhooks, return pages, reconcilers and command lines all end in `settle`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from autonomy_core.catalog.services import find_product
from autonomy_core.db.base import utcnow
from autonomy_core.db.session import savepoint_for_guest
from autonomy_core.errors import NotFound
from autonomy_core.jobs.services import defer
from autonomy_core.operations.counters import count_payment_settled
from autonomy_core.payments.domain import PaymentStatus, Settlement, next_status, prove
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.events import PaymentCompleted, PaymentFacts
from autonomy_core.plugin_api.manager import Implementation
from autonomy_core.plugin_api.scope import TenantScope

log = structlog.get_logger(__name__)

HOOK = "on_payment_completed"
RETRY_JOB = "payments.retry_completion_hook"
"""The job that runs a failed hook again."""

# "raw": sent as it stands, without what the ORM does for inserts of many rows.
_RUN = insert(HookRun).execution_options(dml_strategy="raw")
_RECORD_RUN = _RUN.on_conflict_do_update(
    index_elements=["organisation_id", "payment_id", "plugin"],
    set_={
        "outcome": _RUN.excluded.outcome,
        "last_error": _RUN.excluded.last_error,
        "updated_at": _RUN.excluded.updated_at,
        "attempts": HookRun.attempts + 1,
    },
)


@dataclass(frozen=True, slots=True)
class Settled:
    """What `settle` did: the payment as it is now, and whether this call changed it."""

    payment: Payment
    changed: bool


def settle(
    scope: TenantScope, settlement: Settlement, *, provider: str, locked: Payment | None = None
) -> Settled:
    """Move a payment to where a provider says it is; the second time nothing happens.

    The payment is locked first, so that of many callers at once one does the work and the others find it done.
    When the payment becomes completed, the hooks run in the same transaction, each in a savepoint.

    Args:
        scope: the organisation, in the transaction that is to contain all of this.
        settlement: what the provider says, verified to come from it.
        provider: the provider that says so.
        locked: the payment, where the caller has read and locked it in this transaction.

    Raises:
        NotFound: this organisation has no such payment.
        ProofFailed: environment, amount, currency or provider are not the payment's.
    """
    payment = locked or lock_payment(scope, settlement.payment_id)
    prove(
        settlement,
        provider=provider,
        of_provider=payment.provider,
        environment=payment.environment,
        amount=payment.amount,
        currency=payment.currency,
    )
    before = PaymentStatus(payment.status)
    after = next_status(before, settlement.status)
    if after == before:
        return Settled(payment, changed=False)
    payment.status = after
    payment.settled_by = settlement.source
    payment.failure_reason = settlement.reason if after != PaymentStatus.COMPLETED else None
    if after == PaymentStatus.COMPLETED:
        payment.completed_at = utcnow()
    scope.session.flush()
    log.info(
        "payment.settled", payment_id=str(payment.id), before=before, after=after, source=settlement.source
    )
    count_payment_settled(scope.organisation.id, payment.environment, after)
    if after == PaymentStatus.COMPLETED:
        run_completion_hooks(scope, payment)
    return Settled(payment, changed=True)


def lock_payment(scope: TenantScope, payment_id: UUID) -> Payment:
    """The payment, locked until the transaction ends, with its product, which every hook and grant asks for.

    Raises:
        NotFound: this organisation has no such payment.
    """
    payment = scope.session.scalars(
        select(Payment)
        .where(Payment.organisation_id == scope.organisation.id, Payment.id == payment_id)
        .options(joinedload(Payment.product, innerjoin=True))
        .with_for_update(of=Payment)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if payment is None:
        raise NotFound("The organisation has no such payment.")
    return payment


def run_completion_hooks(scope: TenantScope, payment: Payment) -> None:
    """Run every plugin's hook for a completed payment; one that raises becomes a job in this transaction."""
    for implementation in scope.hooks.implementations(HOOK):
        if not run_completion_hook(scope, payment, implementation):
            defer(scope, RETRY_JOB, payment_id=str(payment.id), plugin=implementation.plugin)


def run_completion_hook(scope: TenantScope, payment: Payment, implementation: Implementation) -> bool:
    """Run one plugin's hook in a savepoint, and record what came of it. Returns whether it succeeded."""
    event = PaymentCompleted(scope, payment_facts(scope, payment), implementation.plugin)
    error: str | None = None
    try:
        with savepoint_for_guest(scope.session):
            implementation(event=event)
    except (Exception, SystemExit) as exception:
        error = _described(exception)
        log.exception("payment.hook_failed", payment_id=str(payment.id), plugin=implementation.plugin)
    _record_run(scope, payment.id, implementation.plugin, error)
    return error is None


def payment_facts(scope: TenantScope, payment: Payment) -> PaymentFacts:
    """What hooks are told about a payment."""
    product = find_product(scope, payment.product_id)
    if product is None:
        raise NotFound("The payment's product is gone.")
    return PaymentFacts(
        id=payment.id,
        customer_id=payment.customer_id,
        product_id=payment.product_id,
        product_kind=product.kind,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,  # type: ignore[arg-type]
        completed_at=payment.completed_at,
    )


def _described(error: BaseException) -> str:
    """An exception in one line that can be stored, whatever its author has put into it."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a stranger's __str__ may raise anything
        text = type(error).__name__
    return text[:500].encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _record_run(scope: TenantScope, payment_id: UUID, plugin: str, error: str | None) -> None:
    values = {
        "organisation_id": scope.organisation.id,
        "payment_id": payment_id,
        "plugin": plugin,
        "outcome": "failed" if error else "succeeded",
        "last_error": error,
        "updated_at": utcnow(),
        "attempts": 1,
    }
    scope.session.execute(_RECORD_RUN, values)
