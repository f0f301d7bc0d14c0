"""Who began an upload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a column without a default, which rewrites no row."""
    op.add_column("pending_uploads", sa.Column("begun_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """The audit log still says who began them."""
    op.drop_column("pending_uploads", "begun_by")
