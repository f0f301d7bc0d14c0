"""Checkouts and events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.plugin_api.migrations import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"


def upgrade() -> None:
    op.create_table(
        "stripe_payments_events",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('test', 'live')", name=op.f("ck_stripe_payments_events_environment")
        ),
        sa.CheckConstraint(
            "status IN ('received', 'processed', 'ignored', 'set_aside', 'failed')",
            name=op.f("ck_stripe_payments_events_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_stripe_payments_events_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "environment", "event_id", name=op.f("pk_stripe_payments_events")
        ),
    )
    isolate(op, "stripe_payments_events")
    op.create_index(
        "ix_stripe_payments_events_payment",
        "stripe_payments_events",
        ["organisation_id", "payment_id"],
        unique=False,
    )
    op.create_index(
        "ix_stripe_payments_events_status",
        "stripe_payments_events",
        ["organisation_id", "status", "received_at"],
        unique=False,
    )
    op.create_table(
        "stripe_payments_payments",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("checkout_url", sa.Text(), nullable=True),
        sa.Column("success_url", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "environment IN ('test', 'live')", name=op.f("ck_stripe_payments_payments_environment")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_stripe_payments_payments_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "payment_id", name=op.f("pk_stripe_payments_payments")),
        sa.UniqueConstraint(
            "organisation_id", "environment", "session_id", name="uq_stripe_payments_payments_session"
        ),
    )
    isolate(op, "stripe_payments_payments")
    op.create_index(
        "ix_stripe_payments_payments_intent",
        "stripe_payments_payments",
        ["organisation_id", "environment", "payment_intent_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_stripe_payments_payments_intent", table_name="stripe_payments_payments")
    op.drop_table("stripe_payments_payments")
    op.drop_index("ix_stripe_payments_events_status", table_name="stripe_payments_events")
    op.drop_index("ix_stripe_payments_events_payment", table_name="stripe_payments_events")
    op.drop_table("stripe_payments_events")
