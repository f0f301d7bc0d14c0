"""Members of staff with roles, their invitations and keys, and the origin of audited actions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.isolation import every_organisations_rows, isolate

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None
oldest_code = "0005"

ROLES = "role IN ('owner', 'editor', 'support', 'finance')"


def upgrade() -> None:
    """Add tables and columns that the old version does not use."""
    op.create_table(
        "staff_members",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_staff_members_role")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "customer_id"],
            ["customers.organisation_id", "customers.id"],
            name=op.f("fk_staff_members_organisation_id_customer_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_staff_members")),
    )
    isolate(op, "staff_members")
    op.create_index(
        "uq_staff_members_current",
        "staff_members",
        ["organisation_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "staff_invitations",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=True),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(ROLES, name=op.f("ck_staff_invitations_role")),
        sa.ForeignKeyConstraint(
            ["organisation_id", "member_id"],
            ["staff_members.organisation_id", "staff_members.id"],
            name=op.f("fk_staff_invitations_organisation_id_member_id"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "id", name=op.f("pk_staff_invitations")),
        sa.UniqueConstraint(
            "organisation_id", "token_hash", name=op.f("uq_staff_invitations_organisation_id_token_hash")
        ),
    )
    isolate(op, "staff_invitations")
    for name in ("expires_at", "last_used_at"):
        op.add_column("api_keys", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("member_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_api_keys_organisation_id_member_id"),
        "api_keys",
        "staff_members",
        ["organisation_id", "member_id"],
        ["organisation_id", "id"],
    )
    op.add_column("audit_entries", sa.Column("origin", sa.Text(), nullable=True))


def downgrade() -> None:
    """Remove memberships and invitations. Their keys, and keys that expire, are revoked.

    The old code reads neither, and would accept the keys without a limit.
    """
    with every_organisations_rows(op, "api_keys"):
        op.execute(
            "UPDATE api_keys SET revoked_at = now() WHERE revoked_at IS NULL"
            " AND (expires_at IS NOT NULL OR member_id IS NOT NULL)"
        )
    op.drop_column("audit_entries", "origin")
    op.drop_constraint(op.f("fk_api_keys_organisation_id_member_id"), "api_keys", type_="foreignkey")
    for name in ("member_id", "last_used_at", "expires_at"):
        op.drop_column("api_keys", name)
    op.drop_table("staff_invitations")
    op.drop_table("staff_members")
