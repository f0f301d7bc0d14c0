"""The export of payments, as a table in CSV (RFC 4180).

It is written while the database still reads, so that neither the server nor the database keeps it whole. A
program that opens the table must not execute what customers typed: text that a spreadsheet would take for a
formula begins with an apostrophe. See https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, Subquery, func, select

from autonomy_core.accounting.models import PaymentBalance
from autonomy_core.audit.services import record
from autonomy_core.catalog.models import Product
from autonomy_core.currencies import in_major_unit
from autonomy_core.customers.domain import for_audit
from autonomy_core.customers.models import Customer
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import Payment
from autonomy_core.payments.services import matching

MEDIA_TYPE = "text/csv"

COLUMNS = (
    "id", "opened_at", "completed_at", "status", "environment", "provider", "product_id", "product",
    "customer_id", "email", "customer_name", "coupon", "currency", "amount", "discount", "refunded",
    "settlement_currency", "fee", "net", "amount_minor", "discount_minor", "refunded_minor", "fee_minor",
    "net_minor",
)  # fmt: skip
"""The header. Amounts are in the currency's major unit, and again in its minor unit, as in the API."""

OF_PAYMENT = (
    "id", "created_at", "completed_at", "status", "environment", "provider", "product_id", "customer_id",
    "coupon_code", "currency", "amount", "discount", "refunded_amount",
)  # fmt: skip

BATCH_ROWS = 500
"""The number of rows that are read and written together."""

FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How a text begins that a spreadsheet may take for a formula; some also accept the full-width signs."""


def export(scope: TenantScope, filters: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the table of the payments that filters select, newest first, in UTF-8.

    The rows are of one moment. A transaction begins with the first part that is read, and ends after the last
    one, or when the iterator is closed.

    Args:
        scope: the organisation; its own transaction is not used.
        filters: the values of `payments.schemas.PaymentFilters`, by name.
    """
    yield _lines([COLUMNS])
    with scope.begin() as own:
        wanted = _selected(own, filters).execution_options(yield_per=BATCH_ROWS)
        with own.session.execute(wanted) as found:
            for rows in found.partitions():
                yield _lines(_cells(row) for row in rows)


def record_export(scope: TenantScope, filters: Mapping[str, Any], *, actor: str) -> None:
    """Record an export in the audit log, because the table has personal data.

    Args:
        scope: the organisation; its own transaction is not used.
        filters: as for `export`.
        actor: the caller.
    """
    used = {name: value for name, value in filters.items() if value is not None}
    with scope.begin() as own:
        record(
            own,
            actor=actor,
            action="payments.exported",
            target="payments",
            detail={"filters": for_audit(used)},
        )


def _selected(scope: TenantScope, filters: Mapping[str, Any]) -> Select[*tuple[Any, ...]]:
    balances = _balances()
    product = (Product.organisation_id == Payment.organisation_id) & (Product.id == Payment.product_id)
    customer = (Customer.organisation_id == Payment.organisation_id) & (Customer.id == Payment.customer_id)
    balance = (balances.c.organisation_id == Payment.organisation_id) & (balances.c.payment_id == Payment.id)
    return (
        select(
            *(getattr(Payment, name) for name in OF_PAYMENT),
            Product.title,
            Customer.email,
            Customer.name,
            balances.c.settlement_currency,
            balances.c.fee,
            balances.c.net,
            balances.c.currencies,
        )
        .join(Product, product)
        .join(Customer, customer)
        .outerjoin(balances, balance)
        .where(*matching(scope.organisation, filters))
        .order_by(Payment.id.desc())
    )


def _balances() -> Subquery:
    """Select what the provider reports for each payment. In several currencies there is no single fee."""
    currencies = func.count(PaymentBalance.currency.distinct())
    return (
        select(
            PaymentBalance.organisation_id,
            PaymentBalance.payment_id,
            func.min(PaymentBalance.currency).label("settlement_currency"),
            func.sum(PaymentBalance.fee).label("fee"),
            func.sum(PaymentBalance.net).label("net"),
            currencies.label("currencies"),
        )
        .group_by(PaymentBalance.organisation_id, PaymentBalance.payment_id)
        .subquery()
    )


def _cells(row: Row[*tuple[Any, ...]]) -> list[str]:
    settled_in = row.settlement_currency if row.currencies == 1 else None
    amounts = [(each, row.currency) for each in (row.amount, row.discount, row.refunded_amount)]
    converted = [(each, settled_in) for each in (row.fee, row.net)]
    return [
        str(row.id),
        _time(row.created_at),
        _time(row.completed_at),
        row.status,
        row.environment,
        row.provider,
        str(row.product_id),
        as_text(row.title),
        str(row.customer_id),
        as_text(row.email),
        as_text(row.name),
        as_text(row.coupon_code or ""),
        row.currency,
        *(_major(*each) for each in amounts),
        settled_in or ("several" if row.currencies else ""),
        *(_major(*each) for each in converted),
        *(_minor(*each) for each in (*amounts, *converted)),
    ]


def as_text(value: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def _time(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _major(amount: int | None, currency: str | None) -> str:
    return "" if amount is None or currency is None else f"{in_major_unit(int(amount), currency):f}"


def _minor(amount: int | None, currency: str | None) -> str:
    return "" if amount is None or currency is None else str(int(amount))


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
