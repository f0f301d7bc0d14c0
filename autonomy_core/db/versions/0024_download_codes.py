"""Download codes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
oldest_code = "0005"


def _reference(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organisation_id", column],
        [f"{referred}.organisation_id", f"{referred}.id"],
        name=op.f(f"fk_{table}_organisation_id_{column}"),
    )


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Add tables that the old version does not use."""
    op.create_table(
        "code_batches",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("uses_per_code", sa.Integer(), nullable=False),
        _time("expires_at", nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        _time("created_at"),
        sa.CheckConstraint("environment IN ('test', 'live')", name=op.f("ck_code_batches_environment")),
        sa.CheckConstraint("count > 0", name=op.f("ck_code_batches_count")),
        sa.CheckConstraint("uses_per_code > 0", name=op.f("ck_code_batches_uses_per_code")),
        _reference("code_batches", "product_id", "products"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_code_batches")),
    )
    isolate(op, "code_batches")
    op.create_index(
        op.f("ix_code_batches_organisation_id_product_id_id"),
        "code_batches",
        ["organisation_id", "product_id", "id"],
    )
    op.create_table(
        "download_codes",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("starts_with", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        _time("revoked_at", nullable=True),
        sa.CheckConstraint("used >= 0", name=op.f("ck_download_codes_used")),
        _reference("download_codes", "batch_id", "code_batches"),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_download_codes")),
        sa.UniqueConstraint(
            "organisation_id", "digest", name=op.f("uq_download_codes_organisation_id_digest")
        ),
    )
    isolate(op, "download_codes")
    op.create_index(
        op.f("ix_download_codes_organisation_id_batch_id_id"),
        "download_codes",
        ["organisation_id", "batch_id", "id"],
    )
    op.create_table(
        "code_uses",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        _time("used_at"),
        _reference("code_uses", "code_id", "download_codes"),
        _reference("code_uses", "customer_id", "customers"),
        sa.PrimaryKeyConstraint("organisation_id", "code_id", "customer_id", name=op.f("pk_code_uses")),
    )
    isolate(op, "code_uses")
    op.create_index(
        op.f("ix_code_uses_organisation_id_customer_id"), "code_uses", ["organisation_id", "customer_id"]
    )


def downgrade() -> None:
    """Remove codes that were not redeemed, too. What was granted stays."""
    for table in ("code_uses", "download_codes", "code_batches"):
        op.drop_table(table)
