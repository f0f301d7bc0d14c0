"""Tracks can be sold alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest_code = "0013"

TABLE = "media_mp3_tracks"
KEY = ["organisation_id", "single_id"]


def upgrade() -> None:
    """The version before would delete removed tracks that were bought alone, so it may not run."""
    op.add_column(TABLE, sa.Column("single_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f(f"uq_{TABLE}_organisation_id_single_id"), TABLE, KEY)
    op.create_foreign_key(
        op.f(f"fk_{TABLE}_organisation_id_single_id"), TABLE, "products", KEY, ["organisation_id", "id"]
    )


def downgrade() -> None:
    """Products with which tracks were sold alone stay, and deliver nothing."""
    op.drop_column(TABLE, "single_id")
