"""Archived products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use: until the restart, it still lists archived products."""
    op.create_table(
        "archived_products",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_archived_products_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "product_id", name=op.f("pk_archived_products")),
    )
    isolate(op, "archived_products")


def downgrade() -> None:
    op.drop_table("archived_products")
