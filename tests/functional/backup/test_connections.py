"""The check for a restored copy uses the connection of the request."""

from types import SimpleNamespace

import pytest
from sqlalchemy import text

from autonomy_core.db.database import Database
from autonomy_core.kernel.copies import refuse_on_copy


@pytest.fixture
def small(committed):
    """The application's database, with a pool that has one connection left."""
    database = Database(committed.database.url, pool_size=1)
    other = database.engine.connect()
    yield database
    other.close()
    database.dispose()


def scope_of(database, session):
    return SimpleNamespace(_transaction=session, _runtime=SimpleNamespace(database=database))


def test_the_check_for_a_copy_needs_no_second_connection(small):
    with small.transaction("acme") as session:
        session.execute(text("SELECT 1"))
        assert small.is_exhausted
        refuse_on_copy(scope_of(small, session), "live")


def test_the_check_for_a_copy_leaves_no_connection_held(small):
    with small.transaction("acme") as session:
        refuse_on_copy(scope_of(small, session), "live")
        assert small.engine.pool.checkedout() == 1
