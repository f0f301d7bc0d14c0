"""Renditions: the files of the formats that are sold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import add_to_catalogue, isolate, remove_from_catalogue

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_renditions"
MARKS = "media_mp3_unreferenced_renditions"


def upgrade() -> None:
    """The version before may write while it still runs; it makes no renditions."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made", sa.Text(), nullable=True),
        sa.Column("storage_key", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "track_id", "format", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "track_id"],
            ["media_mp3_tracks.organisation_id", "media_mp3_tracks.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_track_id"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "num_nulls(made, storage_key, size, sha256, stored_at) IN (0, 5)",
            name=op.f(f"ck_{TABLE}_whole_file"),
        ),
    )
    op.create_table(
        MARKS,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "storage_key", name=op.f(f"pk_{MARKS}")),
    )
    for table in (TABLE, MARKS):
        isolate(op, table)
    # Not the states: visitors see finished files only, and a worker writes states all the time.
    add_to_catalogue(op, TABLE, ["made", "storage_key", "size"])


def downgrade() -> None:
    """The files stay, until an upgrade finds that no row refers to them."""
    remove_from_catalogue(op, TABLE)
    op.drop_table(MARKS)
    op.drop_table(TABLE)
