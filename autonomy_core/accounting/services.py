"""Services of the ledger: record what providers report of their balances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.accounting.domain import BalanceReport
from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.kernel.protocols import TimelineEntry
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment

SHOWN = ("reference", "amount", "fee", "net", "currency", "available_on")


def record_balances(scope: TenantScope, provider: str, reports: Iterable[BalanceReport]) -> int:
    """Record changes of the organisation's balance at a provider. Known changes stay as they are.

    Args:
        scope: the organisation, in the transaction that will contain the rows.
        provider: the reporting provider.
        reports: the changes, each of a payment of this organisation and this provider.

    Returns:
        The number of new rows.

    Raises:
        IntegrityError: a payment does not exist, or a currency is no code.
    """
    rows = [_row(scope, provider, report) for report in reports]
    if not rows:
        return 0
    added = insert(PaymentBalance).on_conflict_do_nothing().returning(PaymentBalance.reference)
    return len(scope.session.scalars(added, rows).all())


def _row(scope: TenantScope, provider: str, report: BalanceReport) -> dict[str, Any]:
    return {
        "organisation_id": scope.organisation.id,
        "provider": provider,
        "reference": report.reference,
        "payment_id": report.payment_id,
        "kind": report.kind,
        "amount": report.amount,
        "fee": report.fee,
        "net": report.net,
        "currency": report.currency,
        "at": report.at,
        "available_on": report.available_on,
    }


def balances_of(scope: TenantScope, payment: Payment) -> Iterator[TimelineEntry]:
    """Yield the changes of the provider's balance because of a payment, for its timeline."""
    of_payment = select(PaymentBalance).where(PaymentBalance.payment_id == payment.id)
    for balance in scope.session.scalars(of_payment):
        detail = {name: getattr(balance, name) for name in SHOWN}
        if balance.available_on is not None:
            detail["available_on"] = balance.available_on.isoformat()
        yield TimelineEntry(balance.at, "balance_changed", {"because_of": balance.kind, **detail})
