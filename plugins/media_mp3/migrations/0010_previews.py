"""What visitors hear of a track, where staff chose it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import add_to_catalogue, isolate

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_preview_choices"


def upgrade() -> None:
    """The version before may write while it still runs; it makes no previews."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.Integer(), nullable=True),
        sa.Column("length_ms", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "track_id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "track_id"],
            ["media_mp3_tracks.organisation_id", "media_mp3_tracks.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_track_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("mode IN ('none', 'full', 'excerpt')", name=op.f(f"ck_{TABLE}_mode")),
    )
    isolate(op, TABLE)
    add_to_catalogue(op, TABLE)


def downgrade() -> None:
    """The choices are lost. The version before removes the previews."""
    op.drop_table(TABLE)
