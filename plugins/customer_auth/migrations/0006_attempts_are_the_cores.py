"""Attempts are counted in the core's table ``rate_counts``."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_code = "0006"


def upgrade() -> None:
    """Drop the counts, which begin anew. They are of an hour at most."""
    op.drop_table("customer_auth_attempts")


def downgrade() -> None:
    op.create_table(
        "customer_auth_attempts",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "bucket", name=op.f("pk_customer_auth_attempts")),
    )
    isolate(op, "customer_auth_attempts")
    op.create_index(
        op.f("ix_customer_auth_attempts_organisation_id_drained_at"),
        "customer_auth_attempts",
        ["organisation_id", "drained_at"],
    )
