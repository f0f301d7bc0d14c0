"""The outbox of mail, and the addresses to which none is sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.db.isolation import isolate

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        "mail_messages",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("template_values", postgresql.JSONB(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("once", sa.Text(), nullable=True),
        sa.Column("resend_of", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('queued', 'sending', 'sent', 'refused', 'bounced', 'given_up')",
            name=op.f("ck_mail_messages_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_mail_messages_organisation_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_mail_messages")),
        sa.UniqueConstraint("organisation_id", "once", name=op.f("uq_mail_messages_organisation_id_once")),
    )
    isolate(op, "mail_messages")
    op.create_index(
        "ix_mail_messages_due",
        "mail_messages",
        ["organisation_id", "due_at"],
        postgresql_where=sa.text("status IN ('queued', 'sending')"),
    )
    op.create_index("ix_mail_messages_customer", "mail_messages", ["organisation_id", "customer_id"])
    op.create_index(
        "ix_mail_messages_recipient", "mail_messages", ["organisation_id", sa.text("lower(recipient)")]
    )
    op.create_table(
        "mail_suppressions",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('bounced', 'complained', 'unsubscribed', 'by_staff')",
            name=op.f("ck_mail_suppressions_reason"),
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "address_hash", "reason", name=op.f("pk_mail_suppressions")
        ),
    )
    isolate(op, "mail_suppressions")


def downgrade() -> None:
    """Remove the tables. Mail that was not sent is lost."""
    op.drop_table("mail_suppressions")
    op.drop_table("mail_messages")
