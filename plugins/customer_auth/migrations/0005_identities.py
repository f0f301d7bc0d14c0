"""Identities at other providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "customer_auth_identities"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f(f"fk_{TABLE}_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint(
            "organisation_id", "issuer", "subject", name=op.f(f"uq_{TABLE}_organisation_id_issuer_subject")
        ),
    )
    isolate(op, TABLE)
    op.create_index(
        op.f(f"ix_{TABLE}_organisation_id_customer_id"), TABLE, ["organisation_id", "customer_id"]
    )


def downgrade() -> None:
    """Remove the table. Customers who log in at a provider need a link by mail."""
    op.drop_table(TABLE)
