"""The jobs of payments: what could not be done at once is done later."""

from __future__ import annotations

from uuid import UUID

import structlog

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.retries import LONGEST_WAIT_S, TryAgain
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import RefundStatus
from autonomy_core.payments.checks import CHECK_JOB
from autonomy_core.payments.completion import HOOK, RETRY_JOB, run_completion_hook
from autonomy_core.payments.duplicates import DUPLICATE_JOB, bought_before
from autonomy_core.payments.models import HookRun
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
from autonomy_core.payments.reversals import enforce_access
from autonomy_core.payments.services import PaymentsUnavailable
from autonomy_core.payments.settlement import lock_payment

log = structlog.get_logger(__name__)


def retry_completion_hook(scope: TenantScope, *, payment_id: str, plugin: str) -> None:
    """Run the hook that failed again; nothing happens when it has succeeded meanwhile.

    Raises:
        TryAgain: it failed again, or the organisation has disabled the plugin: what was paid for is not
            forgotten, and is delivered when the plugin is back.
    """
    payment = lock_payment(scope, UUID(payment_id))
    run = scope.session.get(HookRun, (scope.organisation.id, payment.id, plugin))
    if run is None or run.outcome == "succeeded":
        return
    implementation = next((each for each in scope.hooks.implementations(HOOK) if each.plugin == plugin), None)
    if implementation is None:
        raise TryAgain(f"{plugin} is disabled; its {HOOK} for payment {payment_id} waits")
    if not run_completion_hook(scope, payment, implementation):
        raise TryAgain(f"{plugin}.{HOOK} failed again for payment {payment_id}")
    if payment.reversals:
        # What comes late may have been refunded by now.
        enforce_access(scope, payment)


def ask_for_refund(scope: TenantScope, *, refund_id: str) -> None:
    """Ask the provider for a refund that was recorded; nothing happens when it has been asked meanwhile.

    Raises:
        TryAgain: the provider does not answer.
    """
    try:
        # Read in a transaction of its own, so that no connection is held while the provider answers.
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
    """Give a payment back for what had been paid already; what becomes of it is another job's."""
    first = bought_before(scope, UUID(payment_id))
    if first is not None:
        reason = f"bought twice: payment {first} had been made before"
        request_refund(scope, UUID(payment_id), None, reason, actor="autonomy")


def expire_checkout(scope: TenantScope, *, payment_id: str) -> None:
    """Have the provider close a checkout that nobody is to pay any more."""
    expire(scope, UUID(payment_id))


def check_payment(scope: TenantScope, *, payment_id: str, asked: int | None = None) -> None:
    """Ask the provider what has become of a payment.

    Args:
        asked: where it is one of the questions about an open payment, which one.

    Raises:
        TryAgain: it does not answer.
    """
    try:
        if asked is None:
            check(scope, UUID(payment_id))
        else:
            check_and_watch(scope, UUID(payment_id), asked)
    except Unavailable as error:
        raise _later(f"payment {payment_id}", error) from None


def _later(what: str, error: Exception) -> TryAgain:
    """Have a job run again: in the end once a day where an operator has to help, for example with a key."""
    needs_operator = isinstance(error, (PaymentsUnavailable, NotRefundable))
    return TryAgain(f"{what} waits: {error}", longest_wait_s=DAY_S if needs_operator else LONGEST_WAIT_S)


def sweep_payments(scope: TenantScope) -> None:
    """Ask about payments that have been open for more than a day.

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
"""Why the job of a refund may not be cancelled."""

JOBS = (
    Job(RETRY_JOB, retry_completion_hook),
    Job(REFUND_JOB, ask_for_refund, kept_because=KEPT_BECAUSE),
    Job(CHECK_JOB, check_payment),
    Job(DUPLICATE_JOB, refund_duplicate),
    Job(EXPIRE_JOB, expire_checkout),
    Job("payments.sweep", sweep_payments, every=DAY_S),
)
