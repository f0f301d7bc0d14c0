"""Challenges: links and codes that were mailed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.plugin_api.migrations import isolate

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "customer_auth_challenges"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_customer_auth_challenges_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_customer_auth_challenges")),
        sa.UniqueConstraint(
            "organisation_id",
            "token_hash",
            name=op.f("uq_customer_auth_challenges_organisation_id_token_hash"),
        ),
    )
    isolate(op, TABLE)
    for column in ("email", "customer_id", "expires_at"):
        op.create_index(op.f(f"ix_{TABLE}_organisation_id_{column}"), TABLE, ["organisation_id", column])
    op.create_index(
        op.f(f"ix_{TABLE}_organisation_id_browser_hash"),
        TABLE,
        ["organisation_id", "browser_hash"],
        postgresql_where=sa.text("browser_hash IS NOT NULL"),
    )


def downgrade() -> None:
    """Remove the table. Links and codes that are on their way become useless."""
    op.drop_table(TABLE)
