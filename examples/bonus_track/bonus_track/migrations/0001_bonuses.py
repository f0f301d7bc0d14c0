"""Bonuses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.plugin_api.migrations import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"


def upgrade() -> None:
    op.create_table(
        "bonus_track_bonuses",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_bonus_track_bonuses_organisation_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_bonus_track_bonuses_organisation_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_bonus_track_bonuses_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_bonus_track_bonuses")),
        sa.UniqueConstraint(
            "organisation_id", "payment_id", name=op.f("uq_bonus_track_bonuses_organisation_id_payment_id")
        ),
    )
    op.create_index(
        op.f("ix_bonus_track_bonuses_organisation_id_customer_id_id"),
        "bonus_track_bonuses",
        ["organisation_id", "customer_id", "id"],
    )
    isolate(op, "bonus_track_bonuses")


def downgrade() -> None:
    op.drop_table("bonus_track_bonuses")
