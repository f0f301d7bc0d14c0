"""The payment intent that an event waits for, if the event arrived before its payment was known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_code = "0004"

INDEX = "ix_stripe_payments_events_waits_for"


def upgrade() -> None:
    """The jobs of events that wait during the migration retry them, as before."""
    op.add_column("stripe_payments_events", sa.Column("waits_for", sa.Text(), nullable=True))
    op.create_index(
        INDEX,
        "stripe_payments_events",
        ["organisation_id", "environment", "waits_for"],
        postgresql_where=sa.text("waits_for IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="stripe_payments_events")
    op.drop_column("stripe_payments_events", "waits_for")
