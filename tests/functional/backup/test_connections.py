"""What a request asks of the database it asks on the connection that it has."""

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
    return SimpleNamespace(transaction=session, runtime=SimpleNamespace(database=database))


def test_a_live_payment_waits_for_no_second_connection_to_see_that_this_is_no_copy(small):
    with small.transaction("acme") as session:
        session.execute(text("SELECT 1"))
        assert small.is_exhausted
        refuse_on_copy(scope_of(small, session), "live")


def test_who_holds_no_connection_yet_holds_none_afterwards(small):
    with small.transaction("acme") as session:
        refuse_on_copy(scope_of(small, session), "live")
        assert small.engine.pool.checkedout() == 1
