"""What tags say, and what the inspection warns of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

oldest_code = "0001"

TAGS: dict[str, sa.types.TypeEngine[Any]] = {
    "album": sa.Text(),
    "genre": sa.Text(),
    "year": sa.Integer(),
    "track_number": sa.Integer(),
    "disc_number": sa.Integer(),
}


def upgrade() -> None:
    for name, kind in TAGS.items():
        op.add_column("media_mp3_tracks", sa.Column(name, kind, nullable=True))
    warnings = sa.Column(
        "warnings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False
    )
    op.add_column("media_mp3_tracks", warnings)


def downgrade() -> None:
    for name in ("warnings", *TAGS):
        op.drop_column("media_mp3_tracks", name)
