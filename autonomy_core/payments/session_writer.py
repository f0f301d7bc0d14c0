"""Writes the changes of a settlement through the session. Each hook has its own savepoint."""

from __future__ import annotations

import structlog

from autonomy_core.db.base import utcnow
from autonomy_core.jobs.services import defer
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts, PaymentStatus, Settlement
from autonomy_core.payments import journal
from autonomy_core.payments.checks import check_later
from autonomy_core.payments.completion import RETRY_JOB
from autonomy_core.payments.discounts import discounts_of
from autonomy_core.payments.domain import Decision, PaymentState
from autonomy_core.payments.hook_runs import Run, record_run
from autonomy_core.payments.models import Payment, PaymentDispute
from autonomy_core.payments.notices import buyer_of, send_dispute, send_failed, send_receipt, send_refund
from autonomy_core.payments.reversal_hooks import notify_disputed, notify_refunded
from autonomy_core.payments.reversals import (
    RefundNews,
    enforce_access,
    record_dispute,
    record_refund,
    state_of,
)
from autonomy_core.payments.services import facts_of
from autonomy_core.payments.taxes import keep_tax

log = structlog.get_logger(__name__)


class SessionWriter:
    """The `Writer` of a payment that the session has locked.

    Args:
        scope: the organisation.
        payment: the payment, in any state.
    """

    def __init__(self, scope: TenantScope, payment: Payment) -> None:
        self.status = PaymentStatus(payment.status)
        self._scope = scope
        self._payment = payment
        self._refunds: list[RefundNews] = []
        self._disputes: list[PaymentDispute] = []

    @property
    def facts(self) -> PaymentFacts:
        """The current facts of the payment."""
        return facts_of(self._scope, self._payment)

    def record_reports(self, settlement: Settlement) -> bool:
        """Record refunds and disputes in their tables."""
        refunds = [record_refund(self._scope, self._payment, report) for report in settlement.refunds]
        disputes = [record_dispute(self._scope, self._payment, report) for report in settlement.disputes]
        self._payment.reversals = self._payment.reversals or bool(refunds or disputes)
        self._refunds = [news for news in refunds if news is not None]
        self._disputes = [dispute for dispute in disputes if dispute is not None]
        return bool(self._refunds or self._disputes)

    def state(self) -> PaymentState:
        """Return the recorded state."""
        return state_of(self._scope, self._payment)

    def write(self, decision: Decision) -> None:
        """Write the payment, its journal and its coupon."""
        if not decision.changes_anything:
            return
        if decision.must_be_checked:
            self._have_provider_asked()
        for name, value in decision.columns(utcnow()).items():
            setattr(self._payment, name, value)
        if decision.completes and decision.settlement.tax is not None:
            keep_tax(self._scope, self._payment.id, decision.settlement.tax)
        self._scope.session.flush()
        if decision.changes_status:
            reason = decision.settlement.reason
            journal.append(self._scope, self._payment.id, "settled", reason=reason, **decision.moved)
        if decision.advances and self._payment.coupon_id is not None:
            discounts_of(self._scope).follow(self._scope, self._payment, decision.state.collected)

    def record_run(self, plugin: str, error: BaseException | None) -> None:
        """Record the result. After a failure a job runs the hook again."""
        record_run(self._scope, Run(self._payment.id, plugin), error)
        if error is not None:
            defer(self._scope, RETRY_JOB, payment_id=str(self._payment.id), plugin=plugin)

    def enforce_access(self) -> None:
        """Revoke or restore grants if there are refunds or disputes."""
        if self._payment.reversals:
            enforce_access(self._scope, self._payment)

    def notify(self, decision: Decision) -> None:
        """Send mails about what has changed, and run the hooks about refunds and disputes."""
        scope, payment = self._scope, self._payment
        if decision.completes:
            customer = buyer_of(scope, payment)
            send_receipt(scope, payment.id, customer.id, customer.email, customer.locale)
        if (decision.before, decision.status) == (PaymentStatus.PROCESSING, PaymentStatus.FAILED):
            send_failed(scope, payment)
        for news in self._refunds:
            if news.sends_money:
                send_refund(scope, payment, news.refund)
                notify_refunded(scope, payment, news.refund)
        for dispute in self._disputes:
            send_dispute(scope, payment, dispute)
            notify_disputed(scope, payment, dispute)

    def _have_provider_asked(self) -> None:
        """Query the provider about contradicting refunds, instead of waiting for its next report."""
        log.warning("payment.refunds_contradict", payment_id=str(self._payment.id))
        check_later(self._scope, self._payment.id)
