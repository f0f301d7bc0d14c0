"""`settle` for the case that nearly every payment is: it is open, it is paid, and every hook succeeds.

`settle` takes a payment from any state to any other, and undoes to a savepoint what a hook has begun and could not
finish. Where all goes well, that ends in one payment updated, one line in its journal and one record for each hook: here
these are a part of the statement by which a provider finds the payment, and there are no savepoints. The rules are
asked afterwards, and the hooks run last, because nothing of it is there until the transaction is committed. Whatever is
out of the ordinary raises; whoever has called undoes the whole transaction and takes `settle`, which begins anew.
Tests hold the two to the same rows; see docs/decisions/0015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from autonomy_core.catalog.models import BUNDLE
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.kernel.events import PaymentFacts
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.settlements import PaymentStatus, Settlement
from autonomy_core.payments.completion import HOOK, run_completion_hooks_together
from autonomy_core.payments.domain import OPEN, prove
from autonomy_core.payments.duplicates import look_for_duplicate
from autonomy_core.payments.settlement import announce
from autonomy_core.tenancy.domain import Environment

COMPLETING = """
paid AS (
    UPDATE payments
    SET status = 'completed', settled_by = %(source)s, completed_at = %(now)s::timestamptz, updated_at = %(now)s::timestamptz
    WHERE organisation_id = %(organisation_id)s AND id = ANY (ARRAY(SELECT payment_id FROM stored))
), journal AS (
    INSERT INTO payment_journal (organisation_id, id, payment_id, at, kind, detail)
    SELECT %(organisation_id)s::text, (%(entry_ids)s::uuid[])[found.place], found.id, %(now)s::timestamptz, 'settled',
        jsonb_build_object('before', found.status, 'after', 'completed', 'source', %(source)s::text)
    FROM found JOIN stored ON stored.payment_id = found.id
), hook_runs AS (
    INSERT INTO payment_hook_runs (organisation_id, payment_id, plugin, outcome, attempts, updated_at)
    SELECT %(organisation_id)s::text, stored.payment_id, plugin, 'succeeded', 1, %(now)s::timestamptz
    FROM stored, unnest(%(plugins)s::text[]) plugin
)
"""
"""Parts of a provider's statement, with the values of `completing`; they complete payments that it has ``found``.

The provider's own parts are ``found``, which locks payments, each once, and has the columns of `LockedPayment` and the
payment's ``place``, from 1 on; and ``stored``, with the ``payment_id`` of those that are to be completed. That the hooks
have succeeded is recorded before they run, because one that fails takes the record with it. What remains for the provider
is to call `settle_at_once` for each, and `announce_completed` after the commit.
"""


def completing(scope: TenantScope, source: str, *, payments: int) -> Mapping[str, Any]:
    """The values of `COMPLETING`.

    Args:
        source: as in `Settlement`.
        payments: how many there may be.
    """
    return {
        "organisation_id": scope.organisation.id,
        "source": source,
        "now": utcnow(),
        "entry_ids": [uuid7() for _ in range(payments)],
        "plugins": [implementation.plugin for implementation in scope.hooks.implementations(HOOK)],
    }


class NotAtOnce(Exception):
    """Something is out of the ordinary: undo the transaction, and take `settle`."""


@dataclass(frozen=True, slots=True)
class LockedPayment:
    """A payment that its reader has locked in this transaction: `COLUMNS` of ``payments p`` and its ``products``.

    Only a payment that is `ORDINARY` is completed at once: an open one, without refunds, disputes, coupon or bundle.
    """

    id: UUID
    customer_id: UUID
    product_id: UUID
    product_kind: str
    provider: str
    environment: Environment
    status: PaymentStatus
    amount: int
    currency: str

    COLUMNS: ClassVar[str] = (
        "p.id, p.customer_id, p.product_id, products.kind, p.provider, p.environment, p.status, p.amount,"
        " p.currency"
    )
    FOUND: ClassVar[str] = (
        "found.id, found.customer_id, found.product_id, found.kind, found.provider, found.environment, found.status,"
        " found.amount, found.currency"
    )
    ORDINARY: ClassVar[str] = (
        "p.status IN ('pending', 'processing') AND NOT p.reversals AND p.coupon_id IS NULL"
        f" AND products.kind <> '{BUNDLE}'"
    )


def settle_at_once(
    scope: TenantScope, payment: LockedPayment, settlement: Settlement, *, provider: str, at: datetime
) -> None:
    """Make sure that a payment was rightly completed by `COMPLETING`, in the scope's transaction, and run the hooks.

    After the commit the provider calls `announce_completed`.

    Args:
        payment: as it was before.
        scope, settlement, provider: as `settle` explains them.
        at: when it was completed.

    Raises:
        NotAtOnce: the payment was not open, or the settlement says something else.
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
    run_completion_hooks_together(scope, _facts(payment, at))
    look_for_duplicate(scope, payment)


def announce_completed(scope: TenantScope, payment: LockedPayment, source: str) -> None:
    """Log and count that a payment was completed, once that is committed.

    Args:
        payment: as it was before.
        source: as in `Settlement`.
    """
    announce(scope, payment, before=payment.status, after=PaymentStatus.COMPLETED.value, source=source)


def _facts(payment: LockedPayment, completed_at: datetime) -> PaymentFacts:
    return PaymentFacts(
        id=payment.id,
        customer_id=payment.customer_id,
        product_id=payment.product_id,
        product_kind=payment.product_kind,
        amount=payment.amount,
        currency=payment.currency,
        environment=payment.environment,
        completed_at=completed_at,
    )


def _is_ordinary(payment: LockedPayment, settlement: Settlement) -> bool:
    paid = settlement.status == PaymentStatus.COMPLETED and settlement.reason is None
    reverses = settlement.refunds or settlement.disputes
    return paid and payment.status in OPEN and not reverses
