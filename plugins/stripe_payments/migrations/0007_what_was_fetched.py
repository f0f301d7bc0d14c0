"""The fetched object of an event: of a thin event, and of an event in another version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest_code = "0004"


def upgrade() -> None:
    op.add_column("stripe_payments_events", sa.Column("fetched", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Thin events stay, but the older version cannot handle them again."""
    op.drop_column("stripe_payments_events", "fetched")
