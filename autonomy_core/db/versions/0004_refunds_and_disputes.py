"""Refunds, disputes, and the journal of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.db.isolation import every_organisations_rows, isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_code = "0004"

COLLECTING = "'pending', 'processing', 'expired', 'failed', 'completed'"
REVERSED = "'partially_refunded', 'refunded', 'disputed', 'dispute_won', 'dispute_lost'"


def upgrade() -> None:
    op.add_column("payments", sa.Column("refunded_amount", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("payments", sa.Column("reversals", sa.Boolean(), nullable=False, server_default="false"))
    op.alter_column("payments", "refunded_amount", server_default=None)
    op.alter_column("payments", "reversals", server_default=None)
    op.create_check_constraint(
        op.f("ck_payments_refunded_amount"), "payments", "refunded_amount BETWEEN 0 AND amount"
    )
    _allow_statuses(f"{COLLECTING}, {REVERSED}")
    _create_refunds()
    _create_disputes()
    _create_journal()


def _allow_statuses(statuses: str) -> None:
    op.drop_constraint(op.f("ck_payments_status"), "payments")
    op.create_check_constraint(op.f("ck_payments_status"), "payments", f"status IN ({statuses})")


def _key_and_payment(table: str) -> list[sa.Constraint]:
    return [
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f(f"fk_{table}_organisation_id_payment_id"),
        ),
    ]


def _create_refunds() -> None:
    op.create_table(
        "payment_refunds",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_refunds_amount_positive")),
        sa.CheckConstraint(
            "status IN ('requested', 'pending', 'succeeded', 'failed')",
            name=op.f("ck_payment_refunds_status"),
        ),
        sa.UniqueConstraint(
            "organisation_id",
            "payment_id",
            "reference",
            name=op.f("uq_payment_refunds_organisation_id_payment_id_reference"),
        ),
        *_key_and_payment("payment_refunds"),
    )
    isolate(op, "payment_refunds")


def _create_disputes() -> None:
    op.create_table(
        "payment_disputes",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('inquiry', 'open', 'lost', 'won')", name=op.f("ck_payment_disputes_status")
        ),
        sa.UniqueConstraint(
            "organisation_id",
            "payment_id",
            "reference",
            name=op.f("uq_payment_disputes_organisation_id_payment_id_reference"),
        ),
        *_key_and_payment("payment_disputes"),
    )
    isolate(op, "payment_disputes")


def _create_journal() -> None:
    op.create_table(
        "payment_journal",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        *_key_and_payment("payment_journal"),
    )
    isolate(op, "payment_journal")
    op.create_index(
        op.f("ix_payment_journal_organisation_id_payment_id_id"),
        "payment_journal",
        ["organisation_id", "payment_id", "id"],
    )


def downgrade() -> None:
    """Refunds and disputes are lost: their payments become ``completed`` again."""
    for table in ("payment_journal", "payment_disputes", "payment_refunds"):
        op.drop_table(table)
    with every_organisations_rows(op, "payments"):
        op.execute(f"UPDATE payments SET status = 'completed' WHERE status IN ({REVERSED})")  # noqa: S608
    _allow_statuses(COLLECTING)
    op.drop_column("payments", "reversals")
    op.drop_column("payments", "refunded_amount")
