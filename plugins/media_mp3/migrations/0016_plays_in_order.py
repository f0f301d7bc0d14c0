"""Plays sort by when they were heard."""

from __future__ import annotations

from alembic import op

from autonomy_core.plugin_api.migrations import every_organisations_rows

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_plays"

BEGIN_WITH_THE_TIME = """
UPDATE media_mp3_plays SET id = (
    lpad(to_hex(greatest(0, floor(extract(epoch FROM played_at) * 1000))::bigint), 12, '0')
    || substr(replace(id::text, '-', ''), 13)
)::uuid
"""
"""The first twelve digits of a version 7 UUID are its time in milliseconds. The random ones stay."""


def upgrade() -> None:
    """Plays that the code before reports meanwhile sort by when they were reported."""
    with every_organisations_rows(op, TABLE):
        op.execute(BEGIN_WITH_THE_TIME)


def downgrade() -> None:
    """The code before accepts these ids."""
