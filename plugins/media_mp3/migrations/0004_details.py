"""ISRC, lyrics, explicit, hidden and instant tracks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "media_mp3_tracks"
TEXTS = ("isrc", "lyrics")
MARKS = ("explicit", "hidden", "instant")


def upgrade() -> None:
    """Add columns that the old version does not use. It still delivers tracks before the release."""
    for name in TEXTS:
        op.add_column(TABLE, sa.Column(name, sa.Text(), nullable=True))
    for name in MARKS:
        op.add_column(TABLE, sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Lyrics and codes are lost."""
    for name in (*MARKS, *TEXTS):
        op.drop_column(TABLE, name)
