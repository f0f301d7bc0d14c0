"""Visitors see the tracks, so each change of them changes the version of the catalogue."""

from __future__ import annotations

from alembic import op

from autonomy_core.plugin_api.migrations import add_to_catalogue, remove_from_catalogue

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest_code = "0001"


def upgrade() -> None:
    """The changes of an older version count as well."""
    add_to_catalogue(op, "media_mp3_tracks")


def downgrade() -> None:
    """Older versions keep no answers."""
    remove_from_catalogue(op, "media_mp3_tracks")
