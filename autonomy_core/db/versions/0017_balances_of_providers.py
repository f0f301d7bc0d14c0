"""What providers say of their balances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a table that the old version does not use."""
    op.create_table(
        "payment_balances",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_on", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund', 'dispute', 'other')", name=op.f("ck_payment_balances_kind")
        ),
        sa.CheckConstraint("net = amount - fee", name=op.f("ck_payment_balances_net")),
        sa.CheckConstraint("currency ~ '^[a-z]{3}$'", name=op.f("ck_payment_balances_currency")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_balances_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "provider", "reference", name=op.f("pk_payment_balances")),
    )
    isolate(op, "payment_balances")
    for columns in (["organisation_id", "payment_id"], ["organisation_id", "at"]):
        op.create_index(op.f(f"ix_payment_balances_{'_'.join(columns)}"), "payment_balances", columns)


def downgrade() -> None:
    op.drop_table("payment_balances")
