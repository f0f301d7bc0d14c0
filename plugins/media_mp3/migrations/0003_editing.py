"""Tracks can be removed, replaced and put in another order; files to which none refers are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import every_organisations_rows, isolate

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_tracks"
POSITION = ["organisation_id", "product_id", "position"]

NUMBER_ANEW = """
UPDATE media_mp3_tracks AS track SET position = numbered.position
FROM (
    SELECT organisation_id, id,
           row_number() OVER (PARTITION BY organisation_id, product_id ORDER BY position, id) AS position,
           max(same) OVER (PARTITION BY organisation_id, product_id) AS same
    FROM (
        SELECT *, count(*) OVER (PARTITION BY organisation_id, product_id, position) AS same
        FROM media_mp3_tracks
    ) AS counted
) AS numbered
WHERE numbered.organisation_id = track.organisation_id AND numbered.id = track.id AND numbered.same > 1
"""


def upgrade() -> None:
    """The version before may write while it still runs; a position that is taken is an error there."""
    op.add_column(TABLE, sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    stored_at = sa.Column(
        "stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
    )
    op.add_column(TABLE, stored_at)
    with every_organisations_rows(op, TABLE):
        op.execute("UPDATE media_mp3_tracks SET stored_at = created_at")
        op.execute(NUMBER_ANEW)
    op.alter_column(TABLE, "position", existing_type=sa.Integer(), nullable=True)
    op.drop_index(op.f("ix_media_mp3_tracks_organisation_id_product_id_position"), table_name=TABLE)
    op.create_unique_constraint(
        op.f("uq_media_mp3_tracks_organisation_id_product_id_position"),
        TABLE,
        POSITION,
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_table(
        "media_mp3_unreferenced_files",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "organisation_id", "storage_key", name=op.f("pk_media_mp3_unreferenced_files")
        ),
    )
    isolate(op, "media_mp3_unreferenced_files")


def downgrade() -> None:
    """Tracks that were removed come back, at the end."""
    op.drop_table("media_mp3_unreferenced_files")
    op.drop_constraint(op.f("uq_media_mp3_tracks_organisation_id_product_id_position"), TABLE, type_="unique")
    with every_organisations_rows(op, TABLE):
        op.execute("UPDATE media_mp3_tracks SET position = 10000 WHERE position IS NULL")
    op.alter_column(TABLE, "position", existing_type=sa.Integer(), nullable=False)
    op.create_index(
        op.f("ix_media_mp3_tracks_organisation_id_product_id_position"), TABLE, POSITION, unique=False
    )
    op.drop_column(TABLE, "stored_at")
    op.drop_column(TABLE, "removed_at")
