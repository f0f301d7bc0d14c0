"""Wrong codes of coupons are counted in ``rate_counts``, like all attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
oldest_code = "0027"


def upgrade() -> None:
    """Drop the counts, which begin anew. They are of one hour."""
    op.drop_table("coupon_misses")


def downgrade() -> None:
    op.create_table(
        "coupon_misses",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "customer_id", name=op.f("pk_coupon_misses")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_coupon_misses_organisation_id_customer_id"),
        ),
    )
    isolate(op, "coupon_misses")
