"""Purchases without an account: what buyers consent to, and limits by the clients' networks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
oldest_code = "0005"

TABLES = ("payment_consents", "rate_counts")


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        "payment_consents",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client_network", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_consents_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "payment_id", name=op.f("pk_payment_consents")),
    )
    op.create_table(
        "rate_counts",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "bucket", name=op.f("pk_rate_counts")),
    )
    op.create_index(
        op.f("ix_rate_counts_organisation_id_drained_at"), "rate_counts", ["organisation_id", "drained_at"]
    )
    for table in TABLES:
        isolate(op, table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
