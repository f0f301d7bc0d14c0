"""The taxes that payment providers report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        "payment_taxes",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_payment_taxes_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_taxes_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "payment_id", name=op.f("pk_payment_taxes")),
    )
    isolate(op, "payment_taxes")


def downgrade() -> None:
    op.drop_table("payment_taxes")
