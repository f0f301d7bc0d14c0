"""Prices that buyers choose, and prices in further currencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
oldest_code = "0005"


def _of_product(table: str) -> tuple[sa.Column, sa.Column, sa.ForeignKeyConstraint]:
    return (
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f(f"fk_{table}_organisation_id_product_id"),
        ),
    )


def upgrade() -> None:
    """Add tables that the old version does not use. It sells at the smallest amount, in the own currency."""
    op.create_table(
        "open_prices",
        *_of_product("open_prices"),
        sa.Column("suggested_amount", sa.Integer(), nullable=True),
        sa.CheckConstraint("suggested_amount >= 0", name=op.f("ck_open_prices_suggested_amount")),
        sa.PrimaryKeyConstraint("organisation_id", "product_id", name=op.f("pk_open_prices")),
    )
    isolate(op, "open_prices")
    op.create_table(
        "product_prices",
        *_of_product("product_prices"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("suggested_amount", sa.Integer(), nullable=True),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_product_prices_currency")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_product_prices_amount_not_negative")),
        sa.CheckConstraint("suggested_amount >= amount", name=op.f("ck_product_prices_suggested_amount")),
        sa.PrimaryKeyConstraint("organisation_id", "product_id", "currency", name=op.f("pk_product_prices")),
    )
    isolate(op, "product_prices")


def downgrade() -> None:
    """Remove the tables: products have their own price again, payments keep what was paid."""
    op.drop_table("product_prices")
    op.drop_table("open_prices")
