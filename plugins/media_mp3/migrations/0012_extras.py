"""Extras: files that come with a product."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import add_to_catalogue, isolate

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_extras"
MARKS = "media_mp3_unreferenced_extras"
BYTES = ["organisation_id", "product_id", "sha256"]


def upgrade() -> None:
    """The version before may write while it still runs; it knows no extras."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_product_id"),
        ),
    )
    op.create_index(
        op.f(f"ix_{TABLE}_organisation_id_product_id_sha256"),
        TABLE,
        BYTES,
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
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
    add_to_catalogue(op, TABLE)


def downgrade() -> None:
    """The files stay, until an upgrade finds that no row refers to them."""
    op.drop_table(MARKS)
    op.drop_table(TABLE)
