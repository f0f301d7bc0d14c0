"""Credentials, logins, refresh tokens, attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"


def upgrade() -> None:
    op.create_table(
        "customer_auth_attempts",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "bucket", name=op.f("pk_customer_auth_attempts")),
    )
    isolate(op, "customer_auth_attempts")
    op.create_index(
        op.f("ix_customer_auth_attempts_organisation_id_drained_at"),
        "customer_auth_attempts",
        ["organisation_id", "drained_at"],
        unique=False,
    )
    op.create_table(
        "customer_auth_credentials",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_customer_auth_credentials_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "customer_id", name=op.f("pk_customer_auth_credentials")),
    )
    isolate(op, "customer_auth_credentials")
    op.create_table(
        "customer_auth_sessions",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_customer_auth_sessions_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_customer_auth_sessions")),
    )
    isolate(op, "customer_auth_sessions")
    op.create_index(
        op.f("ix_customer_auth_sessions_organisation_id_customer_id"),
        "customer_auth_sessions",
        ["organisation_id", "customer_id"],
        unique=False,
    )
    op.create_table(
        "customer_auth_refresh_tokens",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id", "session_id"],
            ["customer_auth_sessions.organisation_id", "customer_auth_sessions.id"],
            name=op.f("fk_customer_auth_refresh_tokens_organisation_id_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "token_hash", name=op.f("pk_customer_auth_refresh_tokens")
        ),
    )
    isolate(op, "customer_auth_refresh_tokens")
    op.create_index(
        op.f("ix_customer_auth_refresh_tokens_organisation_id_session_id"),
        "customer_auth_refresh_tokens",
        ["organisation_id", "session_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_customer_auth_refresh_tokens_organisation_id_session_id"),
        table_name="customer_auth_refresh_tokens",
    )
    op.drop_table("customer_auth_refresh_tokens")
    op.drop_index(
        op.f("ix_customer_auth_sessions_organisation_id_customer_id"), table_name="customer_auth_sessions"
    )
    op.drop_table("customer_auth_sessions")
    op.drop_table("customer_auth_credentials")
    op.drop_index(
        op.f("ix_customer_auth_attempts_organisation_id_drained_at"), table_name="customer_auth_attempts"
    )
    op.drop_table("customer_auth_attempts")
