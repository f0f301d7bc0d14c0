"""What a person has to look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate_alarms

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        "alarms",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "name", "subject", name=op.f("pk_alarms")),
    )
    isolate_alarms(op, "alarms")


def downgrade() -> None:
    op.drop_table("alarms")
