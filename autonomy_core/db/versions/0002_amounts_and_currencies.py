"""Amounts that are not negative, currencies that are three letters."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_code = "0002"

CURRENCY = "currency ~ '^[a-z]{3}$'"
CONSTRAINTS = [
    ("ck_payments_amount_not_negative", "payments", "amount >= 0"),
    ("ck_payments_currency", "payments", CURRENCY),
    ("ck_products_currency", "products", CURRENCY),
]


def upgrade() -> None:
    for name, table, condition in CONSTRAINTS:
        op.create_check_constraint(op.f(name), table, condition)


def downgrade() -> None:
    for name, table, _ in reversed(CONSTRAINTS):
        op.drop_constraint(op.f(name), table)
