"""Private feeds of products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_feeds"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_product_id"),
        ),
        sa.UniqueConstraint(
            "organisation_id",
            "customer_id",
            "product_id",
            name=op.f(f"uq_{TABLE}_organisation_id_customer_id_product_id"),
        ),
    )
    isolate(op, TABLE)


def downgrade() -> None:
    """The feeds end."""
    op.drop_table(TABLE)
