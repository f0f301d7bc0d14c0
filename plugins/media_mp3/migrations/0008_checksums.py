"""Checksums of stored files, of which archives are made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_checksums"


def upgrade() -> None:
    """The version before writes none. The job `media_mp3.checksums` computes those that are missing."""
    op.create_table(
        TABLE,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "storage_key", name=op.f(f"pk_{TABLE}")),
        sa.CheckConstraint("crc32 BETWEEN 0 AND 4294967295", name=op.f(f"ck_{TABLE}_crc32")),
    )
    isolate(op, TABLE)


def downgrade() -> None:
    """They are computed again after an upgrade."""
    op.drop_table(TABLE)
