"""The function that settles payments, for every source and every result.

Webhooks, return pages, reconciliation and commands all use `settle` or `batches.settle_batch`, and both use
`follow`. They differ in how they write: see `Writer`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from autonomy_core.counters import count_payment_settled
from autonomy_core.errors import NotFound
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentFacts, PaymentStatus, Settlement
from autonomy_core.payments.completion import run_completion_hooks
from autonomy_core.payments.domain import Decision, PaymentState, decide, prove
from autonomy_core.payments.duplicates import look_for_duplicate
from autonomy_core.payments.models import Payment
from autonomy_core.payments.session_writer import SessionWriter

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of `settle`: the current payment, and whether this call changed it."""

    payment: Payment
    changed: bool


class Writer(Protocol):
    """Writes the decision about one locked payment: `SessionWriter` or `BatchWriter`."""

    @property
    def status(self) -> PaymentStatus:
        """The payment's status before."""

    @property
    def facts(self) -> PaymentFacts:
        """The current facts of the payment."""

    def record_reports(self, settlement: Settlement) -> bool:
        """Record the reported refunds and disputes; return whether any of them is new."""

    def state(self) -> PaymentState:
        """Return the payment's state, including the reports."""

    def write(self, decision: Decision) -> None:
        """Write the payment and its journal."""

    def record_run(self, plugin: str, error: BaseException | None) -> None:
        """Record the result of a plugin's hook.

        Args:
            plugin: the plugin.
            error: the error that the hook raised, or None.
        """

    def enforce_access(self) -> None:
        """Revoke or restore the payment's grants, as its refunds and disputes require."""

    def notify(self, decision: Decision) -> None:
        """Tell buyers, staff and plugins about the decision: defer mails, and run the hooks about reports."""


def settle(
    scope: TenantScope, settlement: Settlement, *, provider: str, locked: Payment | None = None
) -> Settled:
    """Update a payment to the state that a provider reports. A repeated report changes nothing.

    The payment is locked first, so that one of several concurrent callers does the work and the others find
    it done. When the payment becomes completed, the hooks run in the same transaction, each in a savepoint.
    After a refund or a dispute, grants are revoked or restored according to the organisation's settings.

    Args:
        scope: the organisation, in the transaction that will contain all changes.
        settlement: the report, which is verified to come from the provider.
        provider: the reporting provider.
        locked: the payment, if the caller has loaded and locked it in this transaction.

    Raises:
        NotFound: this organisation has no such payment.
        ProofFailed: environment, amount, currency or provider differ from the payment's, or a refund or a
            dispute has an impossible amount.
    """
    # A provider's method may work in a `DriverTransaction`. Only a session gives each hook its savepoint.
    scope = replace(scope, _transaction=scope.session)
    payment = locked or lock_payment(scope, settlement.payment_id)
    writer = SessionWriter(scope, payment)
    decision = follow(scope, writer, settlement, provider=provider)
    announce(scope, writer.facts, decision)
    return Settled(payment, changed=decision.changes_anything)


def follow(scope: TenantScope, writer: Writer, settlement: Settlement, *, provider: str) -> Decision:
    """Decide the changes of a settlement, write them, and carry out their consequences.

    Args:
        scope: the organisation, in the transaction in which the payment is locked.
        writer: the payment's writer.
        settlement, provider: as for `settle`.

    Raises:
        ProofFailed: as for `settle`.
        Exception: an error of the writer.
    """
    prove(settlement, writer.facts, provider=provider)
    has_news = writer.record_reports(settlement)
    decision = decide(writer.status, writer.state(), settlement, has_news=has_news)
    writer.write(decision)
    if decision.completes:
        run_completion_hooks(scope, writer.facts, writer.record_run)
        look_for_duplicate(scope, writer.facts)
    if decision.changes_anything:
        writer.enforce_access()
        writer.notify(decision)
    return decision


def announce(scope: TenantScope, payment: PaymentFacts, decision: Decision) -> None:
    """Log and count a change of the payment's status, if there is one."""
    if decision.changes_status:
        log.info("payment.settled", payment_id=str(payment.id), **decision.moved)
        count_payment_settled(scope.organisation.id, payment.environment, decision.status.value)


def lock_payment(scope: TenantScope, payment_id: UUID) -> Payment:
    """Lock a payment until the transaction ends, and return it with its product.

    Every hook and grant needs the product, so the same query reads it. It cannot read the customer, too. If
    a merge gives the payment to another customer while this statement waits for the lock, PostgreSQL compares
    the new row with the old customer, and the join finds nothing.

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
