"""Booklets."""

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
        "pdf_booklet_booklets",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_pdf_booklet_booklets_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "product_id", name=op.f("pk_pdf_booklet_booklets")),
    )
    op.create_table(
        "pdf_booklet_unreferenced_files",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "organisation_id", "storage_key", name=op.f("pk_pdf_booklet_unreferenced_files")
        ),
    )
    isolate(op, "pdf_booklet_booklets")
    isolate(op, "pdf_booklet_unreferenced_files")


def downgrade() -> None:
    op.drop_table("pdf_booklet_unreferenced_files")
    op.drop_table("pdf_booklet_booklets")
