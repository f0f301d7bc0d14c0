"""Players of buyers: app passwords, stars, playlists, what was heard, and the figures of tracks."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest_code = "0001"

TIME = sa.DateTime(timezone=True)


def _column(name: str, kind: Any, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=null)


TABLES = (
    "media_mp3_app_passwords",
    "media_mp3_marks",
    "media_mp3_playlists",
    "media_mp3_play_queues",
    "media_mp3_plays",
    "media_mp3_positions",
    "media_mp3_track_days",
)
UNIQUE = {
    "media_mp3_app_passwords": ("username",),
    "media_mp3_plays": ("customer_id", "track_id", "played_at"),
}
INDEXES = (
    ("media_mp3_app_passwords", "customer_id"),
    ("media_mp3_playlists", "customer_id"),
    ("media_mp3_plays", "track_id"),
    ("media_mp3_positions", "track_id"),
)
REFERENCES = {"customer_id": "customers", "track_id": "media_mp3_tracks"}


def _tables() -> dict[str, tuple[Any, ...]]:
    """Return by name the primary key without the organisation, and then the columns and checks."""
    return {
        "media_mp3_app_passwords": (
            ("id",),
            _column("id", sa.Uuid()),
            _column("customer_id", sa.Uuid()),
            _column("name", sa.Text()),
            _column("username", sa.Text()),
            _column("sealed_secret", sa.LargeBinary()),
            _column("sealed_with", sa.Text()),
            _column("created_at", TIME),
            _column("last_used_at", TIME, null=True),
        ),
        "media_mp3_marks": (
            ("customer_id", "item"),
            _column("customer_id", sa.Uuid()),
            _column("item", sa.Text()),
            _column("starred_at", TIME, null=True),
            _column("rating", sa.SmallInteger(), null=True),
            sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_media_mp3_marks_rating")),
        ),
        "media_mp3_playlists": (
            ("id",),
            _column("id", sa.Uuid()),
            _column("customer_id", sa.Uuid()),
            _column("name", sa.Text()),
            _column("comment", sa.Text(), null=True),
            _column("track_ids", sa.ARRAY(sa.Uuid())),
            _column("created_at", TIME),
            _column("changed_at", TIME),
        ),
        "media_mp3_play_queues": (
            ("customer_id",),
            _column("customer_id", sa.Uuid()),
            _column("track_ids", sa.ARRAY(sa.Uuid())),
            _column("current", sa.Uuid(), null=True),
            _column("position_ms", sa.BigInteger()),
            _column("changed_at", TIME),
            _column("changed_by", sa.Text()),
        ),
        "media_mp3_plays": (
            ("id",),
            _column("id", sa.Uuid()),
            _column("customer_id", sa.Uuid()),
            _column("track_id", sa.Uuid()),
            _column("played_at", TIME),
        ),
        "media_mp3_positions": (
            ("customer_id", "track_id"),
            _column("customer_id", sa.Uuid()),
            _column("track_id", sa.Uuid()),
            _column("position_ms", sa.BigInteger()),
            _column("changed_at", TIME),
        ),
        "media_mp3_track_days": (
            ("track_id", "day"),
            _column("track_id", sa.Uuid()),
            _column("day", sa.Date()),
            _column("plays", sa.BigInteger()),
            _column("streams", sa.BigInteger()),
            _column("downloads", sa.BigInteger()),
        ),
    }


def upgrade() -> None:
    for table, (key, *parts) in _tables().items():
        columns = {part.name for part in parts if isinstance(part, sa.Column)}
        op.create_table(
            table,
            sa.Column("organisation_id", sa.Text(), nullable=False),
            *parts,
            sa.PrimaryKeyConstraint("organisation_id", *key, name=op.f(f"pk_{table}")),
            *(
                sa.ForeignKeyConstraint(
                    ["organisation_id", column],
                    [f"{target}.organisation_id", f"{target}.id"],
                    name=op.f(f"fk_{table}_organisation_id_{column}"),
                    ondelete="CASCADE",
                )
                for column, target in REFERENCES.items()
                if column in columns
            ),
        )
        isolate(op, table)
    for table, key in UNIQUE.items():
        name = op.f(f"uq_{table}_organisation_id_{'_'.join(key)}")
        op.create_unique_constraint(name, table, ["organisation_id", *key])
    for table, column in INDEXES:
        op.create_index(op.f(f"ix_{table}_organisation_id_{column}"), table, ["organisation_id", column])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
