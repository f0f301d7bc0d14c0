"""Why jobs have failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        "job_failures",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "job_id", name=op.f("pk_job_failures")),
    )
    isolate(op, "job_failures")


def downgrade() -> None:
    """Errors of failed jobs are lost."""
    op.drop_table("job_failures")
