"""Accounts and guests, and the proof of an address."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest_code = "0005"

IS_ACCOUNT = "NOT guest AND erased_at IS NULL AND merged_into IS NULL"

TIMES = ("email_verified_at", "marketing_at", "blocked_at", "deletion_due_at", "erased_at")
TEXTS = ("locale", "marketing_source", "blocked_because")
CHECKS = {
    "marketing": "(marketing_at IS NULL) = (marketing_source IS NULL)",
    "blocked": "(blocked_at IS NULL) = (blocked_because IS NULL)",
}


def upgrade() -> None:
    """Add columns that the old version leaves out, and the uniqueness of accounts in place of that of rows.

    The columns take no time. The indexes are built while no customer can be added: 0.5 s for a million.
    """
    op.add_column("customers", sa.Column("guest", sa.Boolean(), server_default=sa.false(), nullable=False))
    for name in TIMES:
        moment: sa.Column[Any] = sa.Column(name, sa.DateTime(timezone=True), nullable=True)
        op.add_column("customers", moment)
    for name in TEXTS:
        op.add_column("customers", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("customers", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_customers_organisation_id_merged_into"),
        "customers",
        "customers",
        ["organisation_id", "merged_into"],
        ["organisation_id", "id"],
    )
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_customers_{name}"), "customers", condition)
    op.create_index(
        "uq_customers_accounts",
        "customers",
        ["organisation_id", "email"],
        unique=True,
        postgresql_where=sa.text(IS_ACCOUNT),
    )
    op.drop_constraint(op.f("uq_customers_organisation_id_email"), "customers", type_="unique")
    op.create_index(op.f("ix_customers_organisation_id_email"), "customers", ["organisation_id", "email"])
    for name in ("merged_into", "deletion_due_at"):
        op.create_index(
            op.f(f"ix_customers_organisation_id_{name}"),
            "customers",
            ["organisation_id", name],
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )


def downgrade() -> None:
    """Fail if an address has several rows: the old tables cannot keep them."""
    for name in ("deletion_due_at", "merged_into", "email"):
        op.drop_index(op.f(f"ix_customers_organisation_id_{name}"), table_name="customers")
    op.create_unique_constraint(
        op.f("uq_customers_organisation_id_email"), "customers", ["organisation_id", "email"]
    )
    op.drop_index("uq_customers_accounts", table_name="customers")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_customers_{name}"), "customers")
    op.drop_constraint(op.f("fk_customers_organisation_id_merged_into"), "customers")
    for name in ("merged_into", *TEXTS, *TIMES, "guest"):
        op.drop_column("customers", name)
