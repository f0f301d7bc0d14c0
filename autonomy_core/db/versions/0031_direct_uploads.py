"""Uploads that go directly to the store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add columns with constant defaults, which rewrite no row."""
    direct: sa.Column[bool] = sa.Column("direct", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("pending_uploads", direct)
    op.add_column("pending_uploads", sa.Column("direct_id", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget which uploads went directly to the store. What they sent there stays."""
    op.drop_column("pending_uploads", "direct_id")
    op.drop_column("pending_uploads", "direct")
