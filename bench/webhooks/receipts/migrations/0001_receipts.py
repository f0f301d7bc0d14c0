"""Receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipts_receipts",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_receipts_receipts_organisation_id_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_receipts_receipts")),
    )
    isolate(op, "receipts_receipts")


def downgrade() -> None:
    op.drop_table("receipts_receipts")
