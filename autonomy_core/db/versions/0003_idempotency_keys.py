"""Keys under which clients repeat requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_code = "0002"


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("most_bytes", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "key_hash", name=op.f("pk_idempotency_keys")),
    )
    isolate(op, "idempotency_keys")
    op.create_index(
        op.f("ix_idempotency_keys_organisation_id_valid_until"),
        "idempotency_keys",
        ["organisation_id", "valid_until"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_idempotency_keys_organisation_id_valid_until"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
