"""Tracks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"


def upgrade() -> None:
    op.create_table(
        "media_mp3_tracks",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("bitrate", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_media_mp3_tracks_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_media_mp3_tracks")),
        sa.UniqueConstraint(
            "organisation_id",
            "product_id",
            "sha256",
            name=op.f("uq_media_mp3_tracks_organisation_id_product_id_sha256"),
        ),
    )
    isolate(op, "media_mp3_tracks")
    op.create_index(
        op.f("ix_media_mp3_tracks_organisation_id_product_id_position"),
        "media_mp3_tracks",
        ["organisation_id", "product_id", "position"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_media_mp3_tracks_organisation_id_product_id_position"), table_name="media_mp3_tracks"
    )
    op.drop_table("media_mp3_tracks")
