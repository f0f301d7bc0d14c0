"""Uploads that can be continued, and their parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        "pending_uploads",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("metadata_header", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("concatenation", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_pending_uploads")),
    )
    op.create_table(
        "upload_parts",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "upload_id"],
            ["pending_uploads.organisation_id", "pending_uploads.id"],
            name=op.f("fk_upload_parts_organisation_id_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "upload_id", "begins_at", name=op.f("pk_upload_parts")),
    )
    op.create_table(
        "upload_unreferenced_files",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "storage_key", name=op.f("pk_upload_unreferenced_files")),
    )
    for table in ("pending_uploads", "upload_parts", "upload_unreferenced_files"):
        isolate(op, table)


def downgrade() -> None:
    """Remove the uploads that are not used yet. Their files stay."""
    for table in ("upload_unreferenced_files", "upload_parts", "pending_uploads"):
        op.drop_table(table)
