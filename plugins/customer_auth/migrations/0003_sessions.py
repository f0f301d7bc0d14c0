"""What the owner of an account sees of a login, and what it was authenticated with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest_code = "0001"

TABLE = "customer_auth_sessions"


def upgrade() -> None:
    """Add columns with defaults, because the old version inserts rows without them."""
    methods: sa.Column[list[str]] = sa.Column(
        "methods", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
    )
    op.add_column(TABLE, methods)
    for name in ("authenticated_at", "last_seen_at"):
        moment = sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        op.add_column(TABLE, moment)
    for name in ("browser", "system", "network"):
        op.add_column(TABLE, sa.Column(name, sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("network", "system", "browser", "last_seen_at", "authenticated_at", "methods"):
        op.drop_column(TABLE, name)
