"""Second factors, passkeys, and what is remembered between two requests of a login."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_code = "0001"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create(
        "customer_auth_flows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("handle_hash", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("methods", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("rp_id", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        key=("id",),
        unique="handle_hash",
        indices=("customer_id", "expires_at"),
    )
    _create(
        "customer_auth_totp",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_with", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        key=("customer_id",),
    )
    _create(
        "customer_auth_recovery_codes",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        key=("customer_id", "code_hash"),
    )
    _create(
        "customer_auth_passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("rp_id", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("copied_at", TIME, nullable=True),
        key=("id",),
        unique="credential_id",
        indices=("customer_id",),
    )


def downgrade() -> None:
    for table in (
        "customer_auth_passkeys",
        "customer_auth_recovery_codes",
        "customer_auth_totp",
        "customer_auth_flows",
    ):
        op.drop_table(table)


def _create(
    table: str,
    *columns: sa.Column[object],
    key: tuple[str, ...],
    unique: str | None = None,
    indices: tuple[str, ...] = (),
) -> None:
    """Create a table of customers' rows."""
    op.create_table(
        table,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f(f"fk_{table}_organisation_id_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organisation_id", *key, name=op.f(f"pk_{table}")),
    )
    if unique is not None:
        op.create_unique_constraint(
            op.f(f"uq_{table}_organisation_id_{unique}"), table, ["organisation_id", unique]
        )
    for column in indices:
        op.create_index(
            op.f(f"ix_{table}_organisation_id_{column}"), table, ["organisation_id", column], unique=False
        )
    isolate(op, table)
