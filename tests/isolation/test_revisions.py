"""Revisions are undone and made again on the rows of organisations, by an owner whom the policies bind."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, NullPool, create_engine, make_url, text

from autonomy_core.db import migrations
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.isolation import every_organisations_rows, unisolated_tables
from autonomy_core.db.migrations import Migrations, downgrade, silent, upgrade
from autonomy_core.runtime import components
from tests.isolation.sides import World
from tests.support.plain_owner import owned_by_a_plain_role

pytestmark = pytest.mark.concurrent


def redo(owner: Engine, component: Migrations, revision: str) -> None:
    """Upgrade to a revision, and not to the newest one: that would take the square of their number."""
    migrations._run(owner, component, lambda script, now: script._upgrade_revs(revision, now), silent)


def test_every_revision_can_be_undone_and_redone_with_data(
    committed_world: World, postgresql: EmbeddedServer
) -> None:
    name = make_url(committed_world.autonomy.database.url).database
    superuser = create_engine(postgresql.url(name), poolclass=NullPool)
    owner = owned_by_a_plain_role(superuser)
    found = components(committed_world.runtime.plugins)
    for component in reversed(found):
        for revision in component.script.walk_revisions():
            downgrade(owner, component, revision.down_revision or "base")
            redo(owner, component, revision.revision)
            downgrade(owner, component, revision.down_revision or "base")
    upgrade(owner, found)
    with superuser.connect() as connection:
        assert unisolated_tables(connection) == []


def test_refunds_do_not_prevent_a_downgrade_below_their_revision(
    committed_world: World, postgresql: EmbeddedServer
) -> None:
    name = make_url(committed_world.autonomy.database.url).database
    superuser = create_engine(postgresql.url(name), poolclass=NullPool)
    *plugins, core = reversed(components(committed_world.runtime.plugins))
    owner = owned_by_a_plain_role(superuser)
    for component in plugins:
        downgrade(owner, component)
    with superuser.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM payments WHERE status = 'partially_refunded'"))
    downgrade(owner, core, "0003")
    with superuser.connect() as connection:
        statuses = connection.scalars(text("SELECT DISTINCT status FROM payments ORDER BY status")).all()
        forced = text("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'payments'")
        assert (statuses, connection.scalar(forced)) == (["completed", "pending"], True)


def test_a_revision_that_changes_rows_gives_every_catalogue_a_version(
    committed_world: World, postgresql: EmbeddedServer
) -> None:
    name = make_url(committed_world.autonomy.database.url).database
    superuser = create_engine(postgresql.url(name), poolclass=NullPool)
    owner = owned_by_a_plain_role(superuser)
    versions = text("SELECT organisation_id, version FROM catalogue_versions")
    with superuser.connect() as connection:
        before = {*connection.execute(versions)}
    with owner.begin() as connection, every_organisations_rows(connection, "products"):
        connection.execute(text("UPDATE products SET title = title || '!'"))
    with superuser.connect() as connection:
        sellers = {*connection.scalars(text("SELECT organisation_id FROM products"))}
        after = {*connection.execute(versions)}
    assert {organisation_id for organisation_id, _ in after - before} == sellers
    assert len(sellers) > 1
