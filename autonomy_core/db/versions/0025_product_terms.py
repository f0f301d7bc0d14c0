"""Words, tags and titles by which products are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add tables that the old version does not use. The job ``catalog.complete`` fills them."""
    op.create_table(
        "product_terms",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("term", sa.Text(collation="C"), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_product_terms_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "field", "term", "product_id", name=op.f("pk_product_terms")
        ),
    )
    isolate(op, "product_terms")
    op.create_index(
        op.f("ix_product_terms_organisation_id_product_id"),
        "product_terms",
        ["organisation_id", "product_id"],
    )
    op.create_table(
        "product_word_trigrams",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("trigram", sa.Text(collation="C"), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "trigram", "word", name=op.f("pk_product_word_trigrams")),
    )
    isolate(op, "product_word_trigrams")


def downgrade() -> None:
    """The tables can be filled again."""
    op.drop_table("product_word_trigrams")
    op.drop_table("product_terms")
