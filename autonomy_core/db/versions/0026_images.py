"""Images, their sizes, and what has which image."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from autonomy_core.db.isolation import isolate

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        "images",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("warnings", JSONB(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unused_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "digest", name=op.f("pk_images")),
    )
    op.create_table(
        "image_renditions",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        _image_key("image_renditions"),
        sa.PrimaryKeyConstraint(
            "organisation_id", "digest", "name", "media_type", name=op.f("pk_image_renditions")
        ),
    )
    op.create_table(
        "image_uses",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        _image_key("image_uses"),
        sa.PrimaryKeyConstraint("organisation_id", "subject", "subject_id", name=op.f("pk_image_uses")),
    )
    op.create_index("ix_image_uses_organisation_id_digest", "image_uses", ["organisation_id", "digest"])
    op.create_table(
        "image_unreferenced_files",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "storage_key", name=op.f("pk_image_unreferenced_files")),
    )
    for table in ("images", "image_renditions", "image_uses", "image_unreferenced_files"):
        isolate(op, table)


def _image_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", "digest"],
        ["images.organisation_id", "images.digest"],
        name=op.f(f"fk_{table}_organisation_id_digest"),
    )


def downgrade() -> None:
    """Remove the images. Their files stay, and no backup of the old version contains them."""
    for table in ("image_unreferenced_files", "image_uses", "image_renditions", "images"):
        op.drop_table(table)
