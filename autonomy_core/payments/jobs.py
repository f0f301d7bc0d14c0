"""The jobs of payments."""

from __future__ import annotations

from uuid import UUID

import structlog

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.manager import Implementation
from autonomy_core.kernel.retries import LONGEST_WAIT_S, TryAgain
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import RefundStatus
from autonomy_core.payments.checks import CHECK_JOB
from autonomy_core.payments.completion import RETRY_JOB, run_completion_hook
from autonomy_core.payments.duplicates import DUPLICATE_JOB, bought_before
from autonomy_core.payments.guest_collection import collect_guests
from autonomy_core.payments.hook_runs import Run, call_guarded, find_run, record_run
from autonomy_core.payments.purchasing import EXPIRE_JOB, expire
from autonomy_core.payments.reconciliation import DAY_S, check, check_and_watch, sweep
from autonomy_core.payments.refund_terms import NotRefundable
from autonomy_core.payments.refunds import (
    REFUND_JOB,
    RefundRefused,
    carry_out,
    find_refund,
    order_of,
    provider_of,
    request_refund,
)
from autonomy_core.payments.reversal_hooks import RETRY_REVERSAL_JOB, event_of
from autonomy_core.payments.reversals import enforce_access
from autonomy_core.payments.services import PaymentsUnavailable, facts_of
from autonomy_core.payments.settlement import lock_payment

log = structlog.get_logger(__name__)


def retry_completion_hook(scope: TenantScope, *, payment_id: str, plugin: str) -> None:
    """Run a failed hook again, unless it has succeeded meanwhile.

    Raises:
        TryAgain: it failed again, or the plugin is disabled. The hook runs when the plugin is enabled again.
    """
    payment = lock_payment(scope, UUID(payment_id))
    run = Run(payment.id, plugin)
    if not _is_failed(scope, run):
        return
    error = run_completion_hook(scope, facts_of(scope, payment), _implementation(scope, run))
    _record_retry(scope, run, error)
    if payment.reversals:
        # The payment may have been refunded before the hook granted its products.
        enforce_access(scope, payment)


def retry_reversal_hook(scope: TenantScope, *, payment_id: str, plugin: str, hook: str, subject: str) -> None:
    """Run a failed hook about a refund, a dispute or a revoked grant again, as `retry_completion_hook` does.

    What is no longer true is not announced: a grant that was restored meanwhile.

    Raises:
        TryAgain: it failed again, or the plugin is disabled.
    """
    payment = lock_payment(scope, UUID(payment_id))
    run = Run(payment.id, plugin, hook, subject)
    if not _is_failed(scope, run):
        return
    implementation = _implementation(scope, run)
    event = event_of(scope, payment, run)
    _record_retry(scope, run, call_guarded(scope, implementation, event) if event is not None else None)


def _is_failed(scope: TenantScope, run: Run) -> bool:
    recorded = find_run(scope, run)
    return recorded is not None and recorded.outcome != "succeeded"


def _implementation(scope: TenantScope, run: Run) -> Implementation:
    """Return the implementation of a run's hook.

    Raises:
        TryAgain: the plugin is disabled.
    """
    found = (each for each in scope.hooks.implementations(run.hook) if each.plugin == run.plugin)
    implementation = next(found, None)
    if implementation is None:
        raise TryAgain(f"{run.plugin} is disabled; its {run.hook} for payment {run.payment_id} waits")
    return implementation


def _record_retry(scope: TenantScope, run: Run, error: BaseException | None) -> None:
    """Record the result of a retry.

    Raises:
        TryAgain: the hook failed again.
    """
    record_run(scope, run, error)
    if error is not None:
        raise TryAgain(f"{run.plugin}.{run.hook} failed again for payment {run.payment_id}")


def ask_for_refund(scope: TenantScope, *, refund_id: str) -> None:
    """Send a recorded refund to the provider, unless that has been done meanwhile.

    Raises:
        TryAgain: the provider does not answer.
    """
    try:
        # In a separate transaction, so that no connection is held while the provider answers.
        with scope.begin() as own:
            refund = find_refund(own, UUID(refund_id))
            if refund is None or refund.status != RefundStatus.REQUESTED:
                return
            order, provider = order_of(own, refund), provider_of(own, refund.payment_id)
        carry_out(scope, order, provider)
    except RefundRefused as refusal:
        log.warning("refund.refused", refund_id=refund_id, reason=str(refusal))
    except (Unavailable, NotRefundable) as error:
        raise _later(f"refund {refund_id}", error) from None


def refund_duplicate(scope: TenantScope, *, payment_id: str) -> None:
    """Request the refund of a duplicate payment; another job carries it out."""
    first = bought_before(scope, UUID(payment_id))
    if first is not None:
        reason = f"bought twice: payment {first} had been made before"
        request_refund(scope, UUID(payment_id), None, reason, actor="autonomy")


def expire_checkout(scope: TenantScope, *, payment_id: str) -> None:
    """Let the provider expire an abandoned checkout."""
    expire(scope, UUID(payment_id))


def check_payment(scope: TenantScope, *, payment_id: str, asked: int | None = None) -> None:
    """Query the provider for the state of a payment.

    Args:
        scope: the organisation.
        payment_id: the payment.
        asked: the number of this query in the schedule of an open payment; None for any other query.

    Raises:
        TryAgain: the provider does not answer.
    """
    try:
        if asked is None:
            check(scope, UUID(payment_id))
        else:
            check_and_watch(scope, UUID(payment_id), asked)
    except Unavailable as error:
        raise _later(f"payment {payment_id}", error) from None


def _later(what: str, error: Exception) -> TryAgain:
    """Return the error that retries a job.

    If an operator has to help, for example with a key, the intervals grow up to a day.
    """
    needs_operator = isinstance(error, (PaymentsUnavailable, NotRefundable))
    return TryAgain(f"{what} waits: {error}", longest_wait_s=DAY_S if needs_operator else LONGEST_WAIT_S)


def sweep_payments(scope: TenantScope) -> None:
    """Query the provider for payments that have been open for more than a day.

    Raises:
        TryAgain: the provider does not answer.
    """
    try:
        sweep(scope)
    except Unavailable as error:
        raise TryAgain(f"the sweep waits: {error}") from None


KEPT_BECAUSE = (
    "the provider may have given the money back already (if it has not and never will:"
    " autonomy payments give-up-refund)"
)
"""Why a refund's job cannot be cancelled."""

JOBS = (
    Job(RETRY_JOB, retry_completion_hook),
    Job(RETRY_REVERSAL_JOB, retry_reversal_hook),
    Job(REFUND_JOB, ask_for_refund, kept_because=KEPT_BECAUSE),
    Job(CHECK_JOB, check_payment),
    Job(DUPLICATE_JOB, refund_duplicate),
    Job(EXPIRE_JOB, expire_checkout),
    Job("payments.sweep", sweep_payments, every=DAY_S),
    Job("payments.collect_guests", collect_guests, every=DAY_S),
)
