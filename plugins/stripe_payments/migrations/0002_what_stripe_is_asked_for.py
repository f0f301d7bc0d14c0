"""The parameters of Stripe's calls, so that a call can be repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    # For older payments the parameters are unknown: their sessions are not created again.
    column = sa.Column(
        "request", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"
    )
    op.add_column("stripe_payments_payments", column)
    op.alter_column("stripe_payments_payments", "request", server_default=None)


def downgrade() -> None:
    op.drop_column("stripe_payments_payments", "request")
