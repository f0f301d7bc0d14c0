"""The former addresses that a customer had proven."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
oldest_code = "0005"


def upgrade() -> None:
    """Add a column with a constant default, which rewrites no row.

    Addresses that were changed before stay unknown: no stored row says whether they were proven.
    """
    column: sa.Column[list[str]] = sa.Column(
        "former_emails", sa.ARRAY(sa.Text()), server_default="{}", nullable=False
    )
    op.add_column("customers", column)


def downgrade() -> None:
    op.drop_column("customers", "former_emails")
