"""The lookups that were tried for an event's payment, with their results."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_code = "0004"


def upgrade() -> None:
    """For events that were handled before, the lookups are unknown."""
    op.add_column("stripe_payments_events", sa.Column("lookups", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("stripe_payments_events", "lookups")
