"""Until when the changes of the balance were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_code = "0008"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        "stripe_payments_balances",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "environment IN ('test', 'live')", name=op.f("ck_stripe_payments_balances_environment")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "environment", name=op.f("pk_stripe_payments_balances")),
    )
    isolate(op, "stripe_payments_balances")


def downgrade() -> None:
    op.drop_table("stripe_payments_balances")
