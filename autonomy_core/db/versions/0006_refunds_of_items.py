"""What was paid for each product of a bundle, and which of them a refund is for."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns that the old version may leave out, and that need no row to be read or written.

    So nobody is kept waiting, and what is sold between this and the restart is sold by the old version.
    """
    op.add_column("payment_items", sa.Column("amount", sa.Integer(), nullable=True))
    # Not validated: the rows that are there have no amount.
    op.create_check_constraint(
        op.f("ck_payment_items_amount_not_negative"),
        "payment_items",
        "amount >= 0",
        postgresql_not_valid=True,
    )
    items: sa.Column[list[UUID]] = sa.Column(
        "items", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default="{}"
    )
    op.add_column("payment_refunds", items)


def downgrade() -> None:
    """Of refunds only the amounts are left."""
    op.drop_column("payment_refunds", "items")
    op.drop_constraint(op.f("ck_payment_items_amount_not_negative"), "payment_items")
    op.drop_column("payment_items", "amount")
