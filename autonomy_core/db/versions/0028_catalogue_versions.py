"""The version of each organisation's catalogue, which every change of the catalogue replaces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from autonomy_core.db.catalogue import add_to_catalogue
from autonomy_core.db.isolation import isolate

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
oldest_code = "0005"

TABLES = (
    "products",
    "product_details",
    "product_slugs",
    "product_terms",
    "archived_products",
    "bundle_items",
    "open_prices",
    "product_prices",
    "images",
    "image_uses",
)
"""Not ``product_word_trigrams``: a product has hundreds of them, and only misspelt searches read them."""

MOMENTS = ("published_at", "released_at")

# Once for each statement: a commit is one statement, whose changes may be of many rows.
FUNCTION = """
CREATE FUNCTION catalogue_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed text := coalesce(NEW.organisation_id, OLD.organisation_id);
    replaced_for text := changed || ' ' || statement_timestamp();
    organisation text := coalesce(current_setting('autonomy.organisation', true), '');
BEGIN
    IF current_setting('autonomy.catalogue', true) IS DISTINCT FROM replaced_for THEN
        PERFORM set_config('autonomy.organisation', changed, true);
        INSERT INTO catalogue_versions (organisation_id, version) VALUES (changed, gen_random_uuid())
            ON CONFLICT (organisation_id) DO UPDATE SET version = excluded.version;
        PERFORM set_config('autonomy.organisation', organisation, true),
            set_config('autonomy.catalogue', replaced_for, true);
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Add a table that the old version does not know. Its changes replace versions as well."""
    op.create_table(
        "catalogue_versions",
        sa.Column("organisation_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_catalogue_versions")),
    )
    isolate(op, "catalogue_versions")
    op.execute(FUNCTION)
    for table in TABLES:
        add_to_catalogue(op, table)
    for moment in MOMENTS:
        op.create_index(
            f"ix_product_details_{moment}",
            "product_details",
            ["organisation_id", moment],
            postgresql_where=sa.text(f"{moment} IS NOT NULL"),
        )


def downgrade() -> None:
    """Also remove the triggers of plugins' tables. Answers that read these are made anew afterwards."""
    for moment in MOMENTS:
        op.drop_index(f"ix_product_details_{moment}", "product_details")
    op.execute("DROP FUNCTION catalogue_has_changed CASCADE")
    op.drop_table("catalogue_versions")
