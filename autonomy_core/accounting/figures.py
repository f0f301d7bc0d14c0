"""The figures of days and months, from the ledger.

The ledger consists of rows that never change afterwards: the time at which a payment was completed, the
journal's entries of refunds and disputes, and the changes of providers' balances. So the figures of a past
day stay the same, except for what a provider reports later. See docs/decisions/0049.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from autonomy_core.accounting.domain import Figure, Sums, add_up
from autonomy_core.catalog.models import Product
from autonomy_core.db.base import utcnow
from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.periods import Periods, Unit, periods
from autonomy_core.tenancy.domain import Environment

MOST_PERIODS, MOST_FIGURES = 1000, 10_000
"""The maximum numbers of days or months, and of figures, in one answer."""


DAYS_BEFORE = 30
"""How many days before the last day the figures begin, if nothing else is asked for."""

FIGURE = ("period", "environment", "currency", "product_id", "sums")


class TooManyFigures(InvalidInput):
    """The answer would be too long."""

    code, title = "too_many_figures", "These are too many figures for one answer"


@dataclass(frozen=True, slots=True)
class Question:
    """What the figures are about. Days are days in the organisation's time zone.

    Attributes:
        first_day, last_day: the days; with ``month`` as unit, the whole months that contain them.
        unit: ``day`` or ``month``.
        environment, currency, product_id: only these figures; None for all.
    """

    first_day: date
    last_day: date
    unit: Unit = "day"
    environment: Environment | None = None
    currency: str | None = None
    product_id: UUID | None = None


# Each movement of money is one row: its payment, time, currency and amount, the figure that it belongs to,
# and the products that it is about, if not all of the payment's. A movement of a bundle is divided among its
# products in proportion to what was paid for each. The division rounds a running total, so that the parts
# add up to the movement. A bundle of an older version, without stored amounts, counts as one product.
_FIGURES = text("""
WITH movements AS (
    SELECT p.id AS payment_id, p.environment, p.product_id, p.completed_at AS at, p.currency,
        'gross' AS measure, p.amount::numeric AS amount, 0::numeric AS fee, NULL::jsonb AS products
    FROM payments p
    WHERE p.organisation_id = :organisation_id AND p.completed_at >= :begin AND p.completed_at < :end
    UNION ALL
    SELECT p.id, p.environment, p.product_id, j.at, p.currency, 'refunds',
        CASE WHEN j.detail->>'after' = 'failed' THEN -1 ELSE 1 END * (j.detail->>'amount')::numeric, 0,
        j.detail->'products'
    FROM payments p
    JOIN payment_journal j ON j.organisation_id = p.organisation_id AND j.payment_id = p.id
    WHERE p.organisation_id = :organisation_id AND p.reversals
        AND j.organisation_id = :organisation_id AND j.kind = 'refund' AND j.at >= :begin AND j.at < :end
        AND (coalesce(j.detail->>'before', 'requested') IN ('pending', 'succeeded'))
            <> (j.detail->>'after' IN ('pending', 'succeeded'))
    UNION ALL
    SELECT p.id, p.environment, p.product_id, j.at, coalesce(j.detail->>'currency', p.currency),
        moved.measure, (j.detail->>'amount')::numeric, 0, NULL
    FROM payments p
    JOIN payment_journal j ON j.organisation_id = p.organisation_id AND j.payment_id = p.id
    CROSS JOIN LATERAL (
        SELECT 'disputes' AS measure WHERE coalesce(j.detail->>'before', 'inquiry') = 'inquiry'
            AND j.detail->>'after' <> 'inquiry'
        UNION ALL
        SELECT 'disputes_returned' WHERE j.detail->>'after' = 'won'
    ) moved
    WHERE p.organisation_id = :organisation_id AND p.reversals
        AND j.organisation_id = :organisation_id AND j.kind = 'dispute' AND j.at >= :begin AND j.at < :end
    UNION ALL
    SELECT p.id, p.environment, p.product_id, b.at, b.currency, 'settled', b.amount, b.fee, NULL
    FROM payment_balances b
    JOIN payments p ON p.organisation_id = b.organisation_id AND p.id = b.payment_id
    WHERE b.organisation_id = :organisation_id AND b.at >= :begin AND b.at < :end
        AND p.organisation_id = :organisation_id
), parts AS (
    SELECT m.at, m.environment, m.currency, m.measure, coalesce(share.product_id, m.product_id) AS product_id,
        CASE WHEN share.product_id IS NULL THEN m.amount ELSE sign(m.amount) * (
            floor(abs(m.amount) * share.upto / share.whole)
            - floor(abs(m.amount) * (share.upto - share.weight) / share.whole)
        ) END AS amount,
        CASE WHEN share.product_id IS NULL THEN m.fee ELSE sign(m.fee) * (
            floor(abs(m.fee) * share.upto / share.whole)
            - floor(abs(m.fee) * (share.upto - share.weight) / share.whole)
        ) END AS fee
    FROM movements m
    LEFT JOIN LATERAL (
        SELECT product_id, weight, sum(weight) OVER (ORDER BY product_id) AS upto,
            sum(weight) OVER () AS whole
        FROM (
            SELECT product_id, CASE WHEN sum(amount) OVER () = 0 THEN 1 ELSE amount END::numeric AS weight
            FROM payment_items items
            WHERE m.product_id IN (
                    SELECT id FROM products
                    WHERE products.organisation_id = :organisation_id AND kind = 'bundle'
                )
                AND items.organisation_id = :organisation_id AND items.payment_id = m.payment_id
                AND items.amount IS NOT NULL
                AND (m.products IS NULL OR jsonb_exists(m.products, items.product_id::text))
        ) weighed
    ) share ON true
)
SELECT width_bucket(at, CAST(:bounds AS timestamptz[])) AS period, environment, currency, product_id,
    count(*) FILTER (WHERE measure = 'gross') AS sales,
    coalesce(sum(amount) FILTER (WHERE measure = 'gross'), 0)::bigint AS gross,
    coalesce(sum(amount) FILTER (WHERE measure = 'refunds'), 0)::bigint AS refunds,
    coalesce(sum(amount) FILTER (WHERE measure = 'disputes'), 0)::bigint AS disputes,
    coalesce(sum(amount) FILTER (WHERE measure = 'disputes_returned'), 0)::bigint AS disputes_returned,
    coalesce(sum(amount) FILTER (WHERE measure = 'settled'), 0)::bigint AS settled,
    coalesce(sum(fee), 0)::bigint AS fees
FROM parts
WHERE (CAST(:environment AS text) IS NULL OR environment = :environment)
    AND (CAST(:currency AS text) IS NULL OR currency = :currency)
    AND (CAST(:product_id AS uuid) IS NULL OR product_id = :product_id)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
LIMIT :most
""")


def figures(scope: TenantScope, question: Question) -> Sequence[Figure]:
    """Return the figures by day or month, environment, currency and product, in this order.

    Raises:
        TooManyFigures: a shorter time, months or a single product are needed.
    """
    asked = periods(question.first_day, question.last_day, question.unit, scope.organisation.zone)
    if len(asked.first_days) > MOST_PERIODS:
        raise TooManyFigures(f"Ask for at most {MOST_PERIODS} days or months at once.")
    if not asked.first_days:
        return ()
    rows = scope.session.execute(_FIGURES, _values(scope, question, asked)).all()
    if len(rows) > MOST_FIGURES:
        raise TooManyFigures(f"They are more than {MOST_FIGURES}: ask for fewer days, or for a product.")
    return [
        Figure(asked.first_days[period - 1], environment, currency, product_id, Sums(*sums))
        for period, environment, currency, product_id, *sums in rows
    ]


def _values(scope: TenantScope, question: Question, asked: Periods) -> dict[str, object]:
    return {
        "organisation_id": scope.organisation.id,
        "begin": asked.bounds[0],
        "end": asked.bounds[-1],
        "bounds": list(asked.bounds[:-1]),
        "environment": question.environment,
        "currency": question.currency,
        "product_id": question.product_id,
        "most": MOST_FIGURES + 1,
    }


def report(
    scope: TenantScope,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    **wishes: Any,
) -> dict[str, Any]:
    """Return figures with the products' titles, and their sums.

    Args:
        scope: the organisation.
        first_day: by default `DAYS_BEFORE` days before the last day.
        last_day: by default today, in the organisation's time zone.
        wishes: see `Question`.

    Raises:
        InvalidInput: the first day is after the last one.
        TooManyFigures: see `figures`.
    """
    last_day = last_day or utcnow().astimezone(scope.organisation.zone).date()
    first_day = first_day or last_day - timedelta(DAYS_BEFORE)
    if first_day > last_day:
        raise InvalidInput(f"The first day, {first_day}, is after the last day, {last_day}.")
    found = figures(scope, Question(first_day, last_day, **wishes))
    titles = _titles(scope, {each.product_id for each in found})
    return {
        "time_zone": scope.organisation.time_zone,
        "items": [
            {name: getattr(each, name) for name in FIGURE} | {"product": titles[each.product_id]}
            for each in found
        ],
        "totals": [
            {"environment": environment, "currency": currency, "sums": sums}
            for (environment, currency), sums in add_up(found).items()
        ],
    }


def _titles(scope: TenantScope, product_ids: set[UUID]) -> dict[UUID, str]:
    rows = scope.session.execute(select(Product.id, Product.title).where(Product.id.in_(product_ids)))
    return {row.id: row.title for row in rows}
