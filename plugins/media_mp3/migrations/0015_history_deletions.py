"""When customers have deleted what they had heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest_code = "0015"

TABLE = "media_mp3_history_deletions"


def upgrade() -> None:
    """The version before would write back what a customer has deleted, so it may not run."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "customer_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
    )
    isolate(op, TABLE)


def downgrade() -> None:
    """What was deleted stays deleted."""
    op.drop_table(TABLE)
