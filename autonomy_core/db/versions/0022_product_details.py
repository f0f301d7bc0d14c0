"""What people read about a product, and its names in URLs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.db.isolation import isolate

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
oldest_code = "0005"


def _of_product(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", "product_id"],
        ["products.organisation_id", "products.id"],
        name=op.f(f"fk_{table}_organisation_id_product_id"),
    )


def upgrade() -> None:
    """Add tables that the old version does not use. It lists a scheduled product until the restart.

    The job ``catalog.complete`` adds the rows of existing products: a migration sees no organisation's rows
    without a lock on `products`.
    """
    op.create_table(
        "product_details",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("release_date", sa.Date(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preorder", sa.Boolean(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credits", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("upc", sa.Text(), nullable=True),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("explicit", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(release_date IS NULL) = (released_at IS NULL)",
            name=op.f("ck_product_details_moment_of_release"),
        ),
        _of_product("product_details"),
        sa.PrimaryKeyConstraint("organisation_id", "product_id", name=op.f("pk_product_details")),
    )
    isolate(op, "product_details")
    op.create_table(
        "product_slugs",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        _of_product("product_slugs"),
        sa.PrimaryKeyConstraint("organisation_id", "slug", name=op.f("pk_product_slugs")),
    )
    isolate(op, "product_slugs")


def downgrade() -> None:
    """What staff have written about their products is lost; scheduled products appear at once."""
    op.drop_table("product_slugs")
    op.drop_table("product_details")
