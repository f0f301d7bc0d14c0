"""The inbox of webhooks, for any provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.db.isolation import every_organisations_rows, isolate

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add tables that the old version does not use. A plugin that has an inbox of its own moves it."""
    op.create_table(
        "webhook_events",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("fetched", postgresql.JSONB(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lookups", sa.Text(), nullable=True),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("environment IN ('test', 'live')", name=op.f("ck_webhook_events_environment")),
        sa.CheckConstraint(
            "status IN ('received', 'processed', 'ignored', 'set_aside', 'failed')",
            name=op.f("ck_webhook_events_status"),
        ),
        sa.CheckConstraint("origin IN ('webhook', 'fetched')", name=op.f("ck_webhook_events_origin")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_webhook_events_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "source", "environment", "event_id", name=op.f("pk_webhook_events")
        ),
    )
    isolate(op, "webhook_events")
    op.create_index(
        "ix_webhook_events_status",
        "webhook_events",
        ["organisation_id", "source", "status", "received_at"],
    )
    op.create_index("ix_webhook_events_payment", "webhook_events", ["organisation_id", "payment_id"])
    op.create_index(
        "ix_webhook_events_waits_for",
        "webhook_events",
        ["organisation_id", "source", "environment", "waits_for"],
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("verified", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("last_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "environment IN ('test', 'live', 'unknown')", name=op.f("ck_webhook_deliveries_environment")
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "source", "environment", "day", name=op.f("pk_webhook_deliveries")
        ),
    )
    isolate(op, "webhook_deliveries")


def downgrade() -> None:
    """Remove the tables, if they are empty.

    Raises:
        ValueError: a table has rows, for example because a plugin's revision that moved its events here is
            not undone.
    """
    for table in ("webhook_deliveries", "webhook_events"):
        with every_organisations_rows(op, table):
            count = op.get_bind().scalar(sa.text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a constant
        if count:
            raise ValueError(
                f"{table} has {count} rows, which would be lost: first undo the revisions of plugins that "
                "moved their events here (stripe_payments: 0008), and remove the rows of other sources"
            )
        op.drop_table(table)
