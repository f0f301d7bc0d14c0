"""Counts of webhook deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.create_table(
        "stripe_payments_deliveries",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("verified", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("last_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('test', 'live', 'unknown')",
            name=op.f("ck_stripe_payments_deliveries_environment"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "environment", "day", name=op.f("pk_stripe_payments_deliveries")
        ),
    )
    isolate(op, "stripe_payments_deliveries")


def downgrade() -> None:
    op.drop_table("stripe_payments_deliveries")
