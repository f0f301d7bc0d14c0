"""How loud the tracks are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_loudness"


def upgrade() -> None:
    """The worker measures the tracks that there are, one after the other."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("master", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("integrated_lufs", sa.Float(), nullable=True),
        sa.Column("range_lu", sa.Float(), nullable=True),
        sa.Column("true_peak", sa.Float(), nullable=True),
        sa.Column("levels", sa.LargeBinary(), nullable=True),
        sa.Column("album", sa.Text(), nullable=True),
        sa.Column("album_lufs", sa.Float(), nullable=True),
        sa.Column("album_peak", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "track_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "track_id"],
            ["media_mp3_tracks.organisation_id", "media_mp3_tracks.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_track_id"),
            ondelete="CASCADE",
        ),
    )
    isolate(op, TABLE)


def downgrade() -> None:
    """The worker measures the tracks again after the next upgrade."""
    op.drop_table(TABLE)
