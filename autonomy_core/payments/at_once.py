"""`settle` for the case that nearly every payment is: it is open, it is paid, and every hook succeeds.

`settle` takes a payment from any state to any other, and undoes to a savepoint what a hook has begun and could not
finish. Where all goes well, that ends in one payment updated, one line in its journal and one record for each hook: here
these are one statement, without savepoints. Whatever is out of the ordinary raises, and whoever has called undoes
the whole transaction and takes `settle`, which begins anew. Tests hold the two to the same rows; see
docs/decisions/0015.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.payments.completion import HOOK, run_completion_hooks_together
from autonomy_core.payments.domain import OPEN, Environment, PaymentStatus, Settlement, prove
from autonomy_core.payments.duplicates import look_for_duplicate
from autonomy_core.payments.settlement import announce
from autonomy_core.plugin_api.events import PaymentFacts
from autonomy_core.plugin_api.scope import TenantScope

# The hooks' success is recorded before they run, because one that fails takes the record with it.
COMPLETE = b"""
WITH paid AS (
    UPDATE payments
    SET status = 'completed', settled_by = %(source)s, completed_at = %(now)s, updated_at = %(now)s
    WHERE organisation_id = %(organisation_id)s AND id = %(payment_id)s
), noted AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    VALUES (%(organisation_id)s, %(entry_id)s, %(payment_id)s, %(now)s, 'settled', %(detail)s)
)
INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
SELECT %(organisation_id)s, %(payment_id)s, plugin, 'succeeded', 1, %(now)s FROM unnest(%(plugins)s::text[]) plugin
"""


class NotAtOnce(Exception):
    """Something is out of the ordinary: undo the transaction, and take `settle`."""


@dataclass(frozen=True, slots=True)
class LockedPayment:
    """A payment that its reader has locked in this transaction: `COLUMNS` of ``payments p`` and its ``products``."""

    id: UUID
    customer_id: UUID
    product_id: UUID
    product_kind: str
    provider: str
    environment: Environment
    status: PaymentStatus
    amount: int
    currency: str
    reversals: bool

    COLUMNS: ClassVar[str] = (
        "p.id, p.customer_id, p.product_id, products.kind, p.provider, p.environment, p.status, p.amount,"
        " p.currency, p.reversals"
    )


def settle_at_once(
    scope: TenantScope, payment: LockedPayment, settlement: Settlement, *, provider: str
) -> None:
    """Complete an open payment that a provider says is paid, and run the hooks, in the scope's transaction.

    Args:
        scope, settlement, provider: as `settle` explains them.

    Raises:
        NotAtOnce: the payment is not open, or the settlement says something else.
        ProofFailed: environment, amount, currency or provider are not the payment's.
        Exception, SystemExit: whatever a hook raises. After any of these nothing may be committed.
    """
    prove(
        settlement,
        provider=provider,
        of_provider=payment.provider,
        environment=payment.environment,
        amount=payment.amount,
        currency=payment.currency,
    )
    if not _is_ordinary(payment, settlement):
        raise NotAtOnce(f"{payment.status} -> {settlement.status}")
    now = utcnow()
    moved = {
        "before": payment.status,
        "after": PaymentStatus.COMPLETED.value,
        "source": settlement.source,
    }
    values = {
        "organisation_id": scope.organisation.id,
        "payment_id": payment.id,
        "source": settlement.source,
        "now": now,
        "entry_id": uuid7(),
        "detail": json.dumps(moved),
        "plugins": [implementation.plugin for implementation in scope.hooks.implementations(HOOK)],
    }
    scope.session.execute_directly(COMPLETE, values)
    facts = PaymentFacts(
        id=payment.id,
        customer_id=payment.customer_id,
        product_id=payment.product_id,
        product_kind=payment.product_kind,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,
        completed_at=now,
    )
    run_completion_hooks_together(scope, facts)
    look_for_duplicate(scope, payment)
    announce(scope, payment, **moved)


def _is_ordinary(payment: LockedPayment, settlement: Settlement) -> bool:
    paid = settlement.status == PaymentStatus.COMPLETED and settlement.reason is None
    reverses = payment.reversals or settlement.refunds or settlement.disputes
    return paid and payment.status in OPEN and not reverses
