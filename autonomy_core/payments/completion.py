"""The hooks that run when a payment is completed, and what came of each."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from autonomy_core.catalog.models import Product
from autonomy_core.catalog.services import find_product
from autonomy_core.db.base import utcnow
from autonomy_core.db.driver_transaction import DirectTransaction
from autonomy_core.db.session import savepoint_for_guest
from autonomy_core.errors import NotFound
from autonomy_core.grants.services import grant
from autonomy_core.jobs.failures import described
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.events import BoughtProduct, PaymentCompleted, PaymentFacts
from autonomy_core.kernel.manager import Implementation
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.items import bought
from autonomy_core.payments.journal import note
from autonomy_core.payments.models import HookRun, Payment

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
).returning(HookRun.attempts)


def run_completion_hooks(scope: TenantScope, payment: Payment) -> None:
    """Run every plugin's hook for a completed payment; one that raises becomes a job in this transaction."""
    for implementation in scope.hooks.implementations(HOOK):
        if not run_completion_hook(scope, payment, implementation):
            defer(scope, RETRY_JOB, payment_id=str(payment.id), plugin=implementation.plugin)


def run_completion_hook(scope: TenantScope, payment: Payment, implementation: Implementation) -> bool:
    """Run one plugin's hook in a savepoint, and record what came of it. Returns whether it succeeded.

    Raises:
        DBAPIError: the database has gone away meanwhile; that is no failure of the hook's.
    """
    event = _event(scope, payment, implementation.plugin)
    error: str | None = None
    try:
        with savepoint_for_guest(scope.session):
            implementation(event=event)
    except (Exception, SystemExit) as exception:
        if isinstance(exception, DBAPIError) and exception.connection_invalidated:
            raise
        error = described(exception)
        log.exception("payment.hook_failed", payment_id=str(payment.id), plugin=implementation.plugin)
    attempts = _record_run(scope, payment.id, implementation.plugin, error)
    if error is not None:
        # The record is the last run's; those that failed before it are told by the journal.
        note(scope, payment.id, "hook_failed", plugin=implementation.plugin, attempts=attempts, error=error)
    return error is None


def run_completion_hooks_together(scope: TenantScope, facts: PaymentFacts) -> None:
    """Run every plugin's hook for a payment of one product, without savepoints.

    What one raises reaches the caller, who undoes the transaction.
    """
    transaction = scope.transaction
    assert isinstance(transaction, DirectTransaction)  # noqa: S101 - for the type checker: nobody else takes this path
    items = (BoughtProduct(facts.product_id, facts.product_kind),)
    with transaction.lent_to_guest():
        for implementation in scope.hooks.implementations(HOOK):
            implementation(event=_completed(scope, facts, implementation.plugin, items))


def _event(scope: TenantScope, payment: Payment, plugin: str) -> PaymentCompleted:
    """What a plugin's hook is told."""
    product = find_product(scope, payment.product_id)
    if product is None:
        raise NotFound("The payment's product is gone.")
    return _completed(scope, _facts(payment, product), plugin, bought(scope, payment, product))


def _completed(
    scope: TenantScope, facts: PaymentFacts, plugin: str, items: tuple[BoughtProduct, ...]
) -> PaymentCompleted:
    return PaymentCompleted(scope, facts, plugin, items, partial(grant, scope, facts, plugin=plugin))


def _facts(payment: Payment, product: Product) -> PaymentFacts:
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


def _record_run(scope: TenantScope, payment_id: UUID, plugin: str, error: str | None) -> int:
    """Record what came of a run; gives how many there have been."""
    values = {
        "organisation_id": scope.organisation.id,
        "payment_id": payment_id,
        "plugin": plugin,
        "outcome": "failed" if error else "succeeded",
        "last_error": error,
        "updated_at": utcnow(),
        "attempts": 1,
    }
    attempts: int = scope.session.execute(_RECORD_RUN, values).scalar_one()
    return attempts
