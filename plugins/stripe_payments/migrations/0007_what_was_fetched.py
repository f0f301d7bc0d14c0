"""What an event is about, where it was fetched: of a thin event, and of one in another version."""

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
    """Thin events of the newer version stay, and the older one cannot handle them again."""
    op.drop_column("stripe_payments_events", "fetched")
