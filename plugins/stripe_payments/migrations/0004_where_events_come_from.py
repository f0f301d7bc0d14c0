"""Whether an event was posted by Stripe or fetched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_code = "0004"


def upgrade() -> None:
    column = sa.Column("source", sa.Text(), nullable=False, server_default="webhook")
    op.add_column("stripe_payments_events", column)
    op.alter_column("stripe_payments_events", "source", server_default=None)
    op.create_check_constraint(
        op.f("ck_stripe_payments_events_source"), "stripe_payments_events", "source IN ('webhook', 'fetched')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_stripe_payments_events_source"), "stripe_payments_events")
    op.drop_column("stripe_payments_events", "source")
