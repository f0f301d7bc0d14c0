"""Core tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from autonomy_core.db.isolation import isolate

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
oldest_code = "0001"


APPEND_ONLY = """
CREATE FUNCTION audit_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are not changed or deleted';
END $$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_refuse_change();
"""


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_api_keys")),
    )
    isolate(op, "api_keys")
    op.create_table(
        "audit_entries",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_audit_entries")),
    )
    isolate(op, "audit_entries")
    op.execute(APPEND_ONLY)
    op.create_table(
        "customers",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_customers")),
        sa.UniqueConstraint("organisation_id", "email", name=op.f("uq_customers_organisation_id_email")),
    )
    isolate(op, "customers")
    op.create_table(
        "products",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_products_amount_not_negative")),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_products")),
    )
    isolate(op, "products")
    op.create_table(
        "payments",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("environment IN ('test', 'live')", name=op.f("ck_payments_environment")),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'expired', 'failed', 'completed')",
            name=op.f("ck_payments_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_payments_organisation_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_payments_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_payments")),
    )
    isolate(op, "payments")
    op.create_index(
        op.f("ix_payments_organisation_id_customer_id_id"),
        "payments",
        ["organisation_id", "customer_id", "id"],
        unique=False,
    )
    op.create_table(
        "grants",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_because", sa.Text(), nullable=True),
        sa.CheckConstraint("environment IN ('test', 'live')", name=op.f("ck_grants_environment")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_grants_organisation_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_grants_organisation_id_payment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id", "product_id"],
            ["products.organisation_id", "products.id"],
            name=op.f("fk_grants_organisation_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_grants")),
        sa.UniqueConstraint(
            "organisation_id",
            "payment_id",
            "product_id",
            name=op.f("uq_grants_organisation_id_payment_id_product_id"),
        ),
    )
    isolate(op, "grants")
    op.create_index(
        op.f("ix_grants_organisation_id_customer_id_product_id"),
        "grants",
        ["organisation_id", "customer_id", "product_id"],
        unique=False,
    )
    op.create_table(
        "payment_hook_runs",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('succeeded', 'failed')", name=op.f("ck_payment_hook_runs_outcome")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "payment_id"],
            ["payments.organisation_id", "payments.id"],
            name=op.f("fk_payment_hook_runs_organisation_id_payment_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "payment_id", "plugin", name=op.f("pk_payment_hook_runs")),
    )
    isolate(op, "payment_hook_runs")


def downgrade() -> None:
    op.drop_table("payment_hook_runs")
    op.drop_index(op.f("ix_grants_organisation_id_customer_id_product_id"), table_name="grants")
    op.drop_table("grants")
    op.drop_index(op.f("ix_payments_organisation_id_customer_id_id"), table_name="payments")
    op.drop_table("payments")
    op.drop_table("products")
    op.drop_table("customers")
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION audit_entries_refuse_change()")
    op.drop_table("api_keys")
