"""Tracks whose file is not an MP3: the format of the upload, and the shape of its audio."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import every_organisations_rows, isolate

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_code = "0005"

MARKS = "media_mp3_unreferenced_audio"
TABLE = "media_mp3_tracks"
SHAPE = {
    "sample_rate": sa.Integer(),
    "channels": sa.Integer(),
    "bits": sa.Integer(),
    "samples": sa.BigInteger(),
}

NAME_FORMATS = r"""
UPDATE media_mp3_tracks SET format = CASE lower(substring(filename from '\.([^.]*)$'))
    WHEN 'flac' THEN 'flac'
    WHEN 'aif' THEN 'aiff' WHEN 'aiff' THEN 'aiff' WHEN 'aifc' THEN 'aiff'
    WHEN 'm4a' THEN 'alac' WHEN 'mp4' THEN 'alac' WHEN 'alac' THEN 'alac'
    ELSE 'wav'
END
WHERE right(storage_key, 6) = '.audio'
"""
"""Such tracks exist after a downgrade. Their formats are known by the names of their files only."""


def upgrade() -> None:
    """The version before would look for other masters among those that are MP3, so it may not run."""
    op.add_column(TABLE, sa.Column("format", sa.Text(), server_default=sa.text("'mp3'"), nullable=False))
    with every_organisations_rows(op, TABLE):
        op.execute(NAME_FORMATS)
    for name, kind in SHAPE.items():
        op.add_column(TABLE, sa.Column(name, kind, nullable=True))
    op.create_table(
        MARKS,
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "storage_key", name=op.f(f"pk_{MARKS}")),
    )
    isolate(op, MARKS)


def downgrade() -> None:
    """Tracks of other formats stay, and so do their files; the version before answers 503 for them."""
    op.drop_table(MARKS)
    for name in (*SHAPE, "format"):
        op.drop_column(TABLE, name)
