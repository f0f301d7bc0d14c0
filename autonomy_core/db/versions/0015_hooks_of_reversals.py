"""The results of hooks about refunds, disputes and revoked grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest_code = "0005"

TABLE = "payment_reversal_hook_runs"


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('succeeded', 'failed')", name=op.f("ck_payment_reversal_hook_runs_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_reversal_hook_runs_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id",
            "payment_id",
            "hook",
            "subject",
            "plugin",
            name=op.f("pk_payment_reversal_hook_runs"),
        ),
    )
    isolate(op, TABLE)


def downgrade() -> None:
    op.drop_table(TABLE)
