"""Amounts of disputes in currencies with many minor units."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Rewrite the table of disputes. It is small, because few payments are disputed."""
    op.alter_column("payment_disputes", "amount", type_=sa.BigInteger(), existing_nullable=False)


def downgrade() -> None:
    """Fail without changes if an amount is too large for the old type."""
    op.alter_column("payment_disputes", "amount", type_=sa.Integer(), existing_nullable=False)
