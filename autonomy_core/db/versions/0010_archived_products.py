"""Archived products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """The version before does not know of archives, and lists a product that is archived while it still runs."""
    op.add_column("products", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("products", "archived_at")
