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
oldest_code = "0005"


def upgrade() -> None:
    """Add columns that are optional, because the old version still sells until the restart.

    This writes no row and locks no other table. The check reads the items once: 0.1 s for a million items.
    """
    op.add_column("payment_items", sa.Column("amount", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_payment_items_amount_not_negative"), "payment_items", "amount >= 0")
    items: sa.Column[list[UUID]] = sa.Column(
        "items", postgresql.ARRAY(sa.Uuid()), nullable=False, server_default="{}"
    )
    op.add_column("payment_refunds", items)


def downgrade() -> None:
    """Refunds keep only their amounts."""
    op.drop_column("payment_refunds", "items")
    op.drop_constraint(op.f("ck_payment_items_amount_not_negative"), "payment_items")
    op.drop_column("payment_items", "amount")
