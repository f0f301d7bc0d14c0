"""Settles payments together, in one transaction, that are reported as paid at the same time.

First the statement of `batch_lookup` writes the changes of ordinary payments. Then `settlement.follow`
decides, as for every payment, and `BatchWriter` compares the decision with the written changes. A difference,
or an error of a hook, rolls back the whole transaction; each report is then settled separately with `settle`.
Nothing is lost, because no other transaction sees the changes before the commit. See docs/decisions/0036.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.db.group_commit import BatchItem
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts, PaymentStatus, Settlement
from autonomy_core.mail.services import deliver_later, sender_domain
from autonomy_core.payments.batch_lookup import FACTS, BatchLookup, PaidReport, is_json, statement_of
from autonomy_core.payments.completion import HOOK
from autonomy_core.payments.domain import Decision, PaymentState, collected
from autonomy_core.payments.notices import RECEIPT
from autonomy_core.payments.settlement import announce, follow

log = structlog.get_logger(__name__)


class NotOrdinary(Exception):
    """The settlement requires changes that the statement has not written. The transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class _BatchResult:
    """The result of a report.

    Attributes:
        event_status: the status of its event; None if no event with its key is stored.
        facts, decision: the payment and the decision, if this report settled the payment.
    """

    event_status: str | None
    facts: PaymentFacts | None = None
    decision: Decision | None = None


def settle_batch(
    scope: TenantScope, lookup: BatchLookup, report: PaidReport, *, timeout: float
) -> str | None:
    """Settle a payment that is reported as paid, and store the event, together with concurrent reports.

    It uses a separate transaction with two round trips. Reports of the same lookup and organisation that
    arrive while another one is being settled share the next transaction.

    Args:
        scope: the organisation; its own transaction is not used.
        lookup: finds the payment.
        report: the report.
        timeout: the statement timeout in seconds.

    Returns:
        The status of the stored event: of this one, or of an earlier one with the same key. None if nothing
        was done: the payment was not found, is not ordinary, is locked by another transaction, does not match
        the settlement, a hook raised an error, or the database did not answer. In these cases use `settle`,
        which handles all of them.
    """
    status: str | None = runtime_of(scope).group_commit.handle(
        (lookup, scope.organisation.id), report, partial(_settle_together, scope, lookup, timeout)
    )
    return status


def _settle_together(
    scope: TenantScope, lookup: BatchLookup, timeout: float, items: Sequence[BatchItem[PaidReport]]
) -> Sequence[str | None]:
    """Settle the first report of each payment; further reports of a payment are not settled here."""
    firsts = _first_of_each_payment(items)
    settled: dict[BatchItem[PaidReport], _BatchResult] = {}
    limits = {"statement_timeout_s": timeout}
    if len(items) > 1:
        # A hook that hangs holds the locks of all payments. PostgreSQL ends the transaction when the other
        # reports stop waiting for it. Then each payment is settled separately.
        limits["idle_timeout_s"] = runtime_of(scope).group_commit.done_within_s
    try:
        with runtime_of(scope).driver_transaction(scope.organisation, **limits) as own:
            values = _values(own, lookup, [item.item for item in firsts])
            rows = own.execute_at_driver(statement_of(lookup), values)
            if any(is_stored for _, _, is_stored, *_ in rows):
                # A repeated delivery has no receipt. Before the hooks run, so that a session does not need a
                # round trip for it.
                deliver_later(own)
            for place, *found in rows:
                item = firsts[place - 1]
                settled[item] = item.run(_settle, own, lookup, item.item, values["now"], found)
    except (Exception, SystemExit) as reason:  # noqa: BLE001 - `settle` repeats the error if it persists
        for item in items:
            item.run(_log_undone, lookup, item.item, reason, len(items))
        return [None for _ in items]
    # In the committing thread, because the thread of an item may have stopped waiting.
    for item, outcome in settled.items():
        if outcome.facts is not None and outcome.decision is not None:
            item.run(announce, scope, outcome.facts, outcome.decision)
    return [settled[item].event_status if item in settled else None for item in items]


def _first_of_each_payment(items: Sequence[BatchItem[PaidReport]]) -> Sequence[BatchItem[PaidReport]]:
    firsts: dict[tuple[str, str], BatchItem[PaidReport]] = {}
    for item in items:
        firsts.setdefault((item.item.environment, item.item.reference), item)
    return list(firsts.values())


def _log_undone(lookup: BatchLookup, report: PaidReport, reason: BaseException, together: int) -> None:
    log.info(
        "payment.batch_undone",
        provider=lookup.provider,
        reference=report.reference,
        reason=type(reason).__name__,
        together=together,
    )


def _values(scope: TenantScope, lookup: BatchLookup, reports: Sequence[PaidReport]) -> Mapping[str, Any]:
    """Return the values of `statement_of`."""
    now = utcnow()
    return {
        "organisation_id": scope.organisation.id,
        "environment": [report.environment for report in reports],
        "reference": [report.reference for report in reports],
        "learnt": [report.learnt for report in reports],
        "opened_after": now - lookup.not_older_than,
        "source": lookup.source,
        "now": now,
        "entry_ids": [uuid7() for _ in reports],
        "receipt": RECEIPT,
        "receipt_ids": [uuid7() for _ in reports],
        "sender_domain": sender_domain(scope),
        "plugins": [implementation.plugin for implementation in scope.hooks.implementations(HOOK)],
        **{f"event_{name}": _event_values(lookup, name, reports) for name in lookup.events.values},
    }


def _event_values(lookup: BatchLookup, name: str, reports: Sequence[PaidReport]) -> list[Any] | str:
    values = [report.event[name] for report in reports]
    return f"[{','.join(values)}]" if is_json(lookup.events, name) else values


def _settle(
    scope: TenantScope, lookup: BatchLookup, report: PaidReport, at: datetime, found: Sequence[Any]
) -> _BatchResult:
    """Decide about a payment that the statement has completed, and run the hooks."""
    status_of_known, is_stored, known, before, *facts = found
    if not is_stored:
        return _BatchResult(status_of_known)
    payment = PaymentFacts(**dict(zip(FACTS, facts, strict=True)), completed_at=at)
    writer = BatchWriter(payment, PaymentStatus(before), lookup.source, at)
    settlement = report.settlement_of(payment, known)
    decision = follow(scope, writer, settlement, provider=lookup.provider)
    return _BatchResult(lookup.events.constants[lookup.events.status], payment, decision)


class BatchWriter:
    """The `Writer` of an ordinary payment that the statement has already completed.

    Args:
        facts: the payment after the statement.
        status: the payment's status before.
        source, at: the source and the time that the statement has written.
    """

    def __init__(self, facts: PaymentFacts, status: PaymentStatus, source: str, at: datetime) -> None:
        self.facts = facts
        self.status = status
        self._at = at
        self._written = {
            "status": PaymentStatus.COMPLETED,
            "refunded_amount": 0,
            "settled_by": source,
            "failure_reason": None,
            "completed_at": at,
        }

    def record_reports(self, settlement: Settlement) -> bool:
        """Refuse refunds and disputes.

        Raises:
            NotOrdinary: the settlement reports some.
        """
        if settlement.refunds or settlement.disputes:
            raise NotOrdinary("a refund or a dispute is reported")
        return False

    def state(self) -> PaymentState:
        """Return the state of a payment without refunds and disputes."""
        return PaymentState(collected(self.status), self.facts.amount)

    def write(self, decision: Decision) -> None:
        """Check that the statement has written the decided changes.

        Raises:
            NotOrdinary: the decision differs, the journal needs the settlement's reason, or there is a tax.
        """
        settlement = decision.settlement
        more = settlement.reason is not None or settlement.tax is not None
        if more or decision.columns(self._at) != self._written:
            raise NotOrdinary(f"{decision.moved}")

    def record_run(self, plugin: str, error: BaseException | None) -> None:
        """Raise the error of a hook, because the statement has recorded that the hook succeeds."""
        if error is not None:
            raise error

    def enforce_access(self) -> None:
        """Do nothing, because the payment has no refunds and disputes."""

    def notify(self, decision: Decision) -> None:
        """Do nothing: the statement has sent the receipt, and there are no refunds and disputes."""
