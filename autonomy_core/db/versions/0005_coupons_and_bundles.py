"""Coupons, and bundles of products."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import isolate

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest_code = "0005"

DISCOUNT_BY_COUPON = "(coupon_id IS NULL) = (discount = 0) AND (coupon_id IS NULL) = (coupon_code IS NULL)"


def upgrade() -> None:
    _create_bundles()
    _create_coupons()
    _add_discounts()
    _create_redemptions()


def _references(table: str, **targets: str) -> list[sa.Constraint]:
    """Foreign keys within the organisation, by column."""
    return [
        sa.ForeignKeyConstraint(
            ["organisation_id", column],
            [f"{target}.organisation_id", f"{target}.id"],
            name=op.f(f"fk_{table}_organisation_id_{column}"),
        )
        for column, target in targets.items()
    ]


def _key(table: str, *columns: str) -> sa.Constraint:
    return sa.PrimaryKeyConstraint("organisation_id", *columns, name=op.f(f"pk_{table}"))


def _create_bundles() -> None:
    op.create_table(
        "bundle_items",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("bundle_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("bundle_id <> product_id", name=op.f("ck_bundle_items_not_itself")),
        _key("bundle_items", "bundle_id", "product_id"),
        *_references("bundle_items", bundle_id="products", product_id="products"),
    )
    isolate(op, "bundle_items")
    op.create_table(
        "payment_items",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        _key("payment_items", "payment_id", "product_id"),
        *_references("payment_items", payment_id="payments", product_id="products"),
    )
    isolate(op, "payment_items")


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("amount_off", sa.Integer(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("percent_off", sa.Integer(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_redemptions", sa.Integer(), nullable=True),
        sa.Column("max_per_customer", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *_rules_of_coupons(),
        sa.UniqueConstraint("organisation_id", "code", name=op.f("uq_coupons_organisation_id_code")),
        _key("coupons", "id"),
    )
    isolate(op, "coupons")
    op.create_table(
        "coupon_products",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        _key("coupon_products", "coupon_id", "product_id"),
        *_references("coupon_products", coupon_id="coupons", product_id="products"),
    )
    isolate(op, "coupon_products")
    op.create_table(
        "coupon_misses",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=False),
        _key("coupon_misses", "customer_id"),
        *_references("coupon_misses", customer_id="customers"),
    )
    isolate(op, "coupon_misses")


def _rules_of_coupons() -> list[sa.Constraint]:
    rules = {
        "code_in_upper_case": "code = upper(code)",
        "one_reduction": "num_nonnulls(amount_off, percent_off) = 1",
        "amount_off": "amount_off > 0",
        "percent_off": "percent_off BETWEEN 1 AND 100",
        "currency_of_amount": "(amount_off IS NULL) = (currency IS NULL)",
        "currency": "currency ~ '^[a-z]{3}$'",
        "window": "starts_at < ends_at",
        "max_redemptions": "max_redemptions > 0",
        "max_per_customer": "max_per_customer > 0",
    }
    return [sa.CheckConstraint(rule, name=op.f(f"ck_coupons_{name}")) for name, rule in rules.items()]


def _add_discounts() -> None:
    op.add_column("payments", sa.Column("discount", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("payments", "discount", server_default=None)
    op.add_column("payments", sa.Column("coupon_id", sa.Uuid(), nullable=True))
    op.add_column("payments", sa.Column("coupon_code", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_payments_discount_not_negative"), "payments", "discount >= 0")
    op.create_check_constraint(op.f("ck_payments_discount_by_coupon"), "payments", DISCOUNT_BY_COUPON)
    op.create_foreign_key(
        op.f("fk_payments_organisation_id_coupon_id"),
        "payments",
        "coupons",
        ["organisation_id", "coupon_id"],
        ["organisation_id", "id"],
    )


def _create_redemptions() -> None:
    op.create_table(
        "coupon_redemptions",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("environment IN ('test', 'live')", name=op.f("ck_coupon_redemptions_environment")),
        sa.CheckConstraint(
            "status IN ('reserved', 'used', 'released')", name=op.f("ck_coupon_redemptions_status")
        ),
        _key("coupon_redemptions", "payment_id"),
        *_references(
            "coupon_redemptions", payment_id="payments", coupon_id="coupons", customer_id="customers"
        ),
    )
    isolate(op, "coupon_redemptions")
    op.create_index(
        op.f("ix_coupon_redemptions_organisation_id_coupon_id"),
        "coupon_redemptions",
        ["organisation_id", "coupon_id"],
    )


def downgrade() -> None:
    """Payments keep the amount that was paid. Their discounts are lost, and bundles cannot be sold."""
    op.drop_table("coupon_redemptions")
    op.drop_constraint(op.f("fk_payments_organisation_id_coupon_id"), "payments")
    op.drop_constraint(op.f("ck_payments_discount_by_coupon"), "payments")
    for column in ("coupon_code", "coupon_id", "discount"):
        op.drop_column("payments", column)
    for table in ("coupon_misses", "coupon_products", "coupons", "payment_items", "bundle_items"):
        op.drop_table(table)
