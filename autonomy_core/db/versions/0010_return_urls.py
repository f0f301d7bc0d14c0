"""Where the buyer of a payment returns to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use. Transactions that read payments are not blocked."""
    op.create_table(
        "payment_returns",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("success_url", sa.Text(), nullable=False),
        sa.Column("cancel_url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_returns_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "payment_id", name=op.f("pk_payment_returns")),
    )
    isolate(op, "payment_returns")


def downgrade() -> None:
    op.drop_table("payment_returns")
