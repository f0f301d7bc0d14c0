"""What was paid for each product of a bundle, and which of them a refund is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

READ = ("payment_items", "payments", "products")

# As `autonomy_core.payments.domain.shares` divides, with the prices of today: those of the purchase were not kept.
SHARES = """
WITH priced AS (
    SELECT i.organisation_id, i.payment_id, i.product_id, p.amount::bigint AS total,
        CASE WHEN min(products.currency) OVER of_payment = max(products.currency) OVER of_payment
            AND sum(products.amount) OVER of_payment > 0 THEN products.amount ELSE 1 END::bigint AS weight
    FROM payment_items i
    JOIN payments p ON p.organisation_id = i.organisation_id AND p.id = i.payment_id
    JOIN products ON products.organisation_id = i.organisation_id AND products.id = i.product_id
    WINDOW of_payment AS (PARTITION BY i.organisation_id, i.payment_id)
), weighed AS (
    SELECT *, (sum(weight) OVER (PARTITION BY organisation_id, payment_id))::bigint AS weights FROM priced
), divided AS (
    SELECT *, total * weight / weights AS whole, total * weight % weights AS remainder FROM weighed
), ranked AS (
    SELECT *, total - sum(whole) OVER (PARTITION BY organisation_id, payment_id) AS left_over,
        row_number() OVER (PARTITION BY organisation_id, payment_id ORDER BY remainder DESC, product_id) AS place
    FROM divided
)
UPDATE payment_items i SET amount = whole + CASE WHEN place <= left_over THEN 1 ELSE 0 END
FROM ranked r
WHERE (i.organisation_id, i.payment_id, i.product_id) = (r.organisation_id, r.payment_id, r.product_id)
"""


def upgrade() -> None:
    op.add_column("payment_items", sa.Column("amount", sa.Integer(), nullable=True))
    with _every_organisation_seen():
        op.execute(SHARES)
    op.alter_column("payment_items", "amount", nullable=False)
    op.create_check_constraint(op.f("ck_payment_items_amount_not_negative"), "payment_items", "amount >= 0")
    items: sa.Column[list[UUID]] = sa.Column(
        "items", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default="{}"
    )
    op.add_column("payment_refunds", items)
    op.alter_column("payment_refunds", "items", server_default=None)


@contextmanager
def _every_organisation_seen() -> Iterator[None]:
    """Have the tables' owner see all rows, for as long as this transaction holds the tables."""
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    yield
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Of refunds only the amounts are left."""
    op.drop_column("payment_refunds", "items")
    op.drop_constraint(op.f("ck_payment_items_amount_not_negative"), "payment_items")
    op.drop_column("payment_items", "amount")
