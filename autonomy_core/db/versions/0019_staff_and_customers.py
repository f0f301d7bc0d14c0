"""Notes of staff about customers, and grants that staff give."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import every_organisations_rows, isolate

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
oldest_code = "0005"

CHECKS = {
    "one_origin": "num_nonnulls(payment_id, given_by) = 1",
    "given": "(given_by IS NULL) = (given_because IS NULL)",
}


def upgrade() -> None:
    """Add a table and columns that the old version does not use. The checks read the grants once."""
    op.create_table(
        "customer_notes",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_customer_notes_organisation_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_customer_notes")),
    )
    isolate(op, "customer_notes")
    op.create_index(
        op.f("ix_customer_notes_organisation_id_customer_id_id"),
        "customer_notes",
        ["organisation_id", "customer_id", "id"],
    )
    op.add_column("grants", sa.Column("given_by", sa.Text(), nullable=True))
    op.add_column("grants", sa.Column("given_because", sa.Text(), nullable=True))
    op.alter_column("grants", "payment_id", nullable=True)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_grants_{name}"), "grants", condition)


def downgrade() -> None:
    """Notes, and products that were given and not sold, are lost: the old tables cannot keep them."""
    with every_organisations_rows(op, "grants"):
        op.execute("DELETE FROM grants WHERE payment_id IS NULL")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_grants_{name}"), "grants")
    op.alter_column("grants", "payment_id", nullable=False)
    op.drop_column("grants", "given_because")
    op.drop_column("grants", "given_by")
    op.drop_index(op.f("ix_customer_notes_organisation_id_customer_id_id"), table_name="customer_notes")
    op.drop_table("customer_notes")
