"""The index of the lists by price."""

from __future__ import annotations

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None
oldest_code = "0005"

INDEX = "ix_products_organisation_id_amount_id"


def upgrade() -> None:
    """Build the index while products are read and written. What an interrupted build left is built again."""
    with op.get_context().autocommit_block():
        op.drop_index(INDEX, "products", postgresql_concurrently=True, if_exists=True)
        op.create_index(INDEX, "products", ["organisation_id", "amount", "id"], postgresql_concurrently=True)


def downgrade() -> None:
    """Sort all products of an organisation for a list by price."""
    op.drop_index(INDEX, "products")
