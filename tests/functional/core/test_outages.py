"""Faults of the database are answered 503."""

from contextlib import suppress

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from autonomy_core.jobs.services import defer
from autonomy_core.traversal.request import close

pytestmark = pytest.mark.concurrent


@pytest.fixture
def acme(committed):
    committed.organisation("acme")
    return committed


def as_owner(acme, postgresql, statement):
    database = make_url(acme.database.url).database
    engine = create_engine(postgresql.url(database))
    with engine.begin() as connection:
        connection.execute(text(statement.format(database=database)))
    engine.dispose()
    acme.database.engine.dispose()


def test_a_table_that_lacks_a_column_is_an_outage(acme, postgresql):
    as_owner(acme, postgresql, "ALTER TABLE products DROP COLUMN description")
    answer = acme.app.get("/acme/api/v1/products", status=503)
    assert answer.json["code"] == "unavailable"
    assert "description" not in answer.text


def test_a_stand_by_that_takes_no_writes_is_an_outage(acme, postgresql):
    headers = acme.as_staff()
    as_owner(acme, postgresql, "ALTER DATABASE {database} SET default_transaction_read_only = on")
    product = {"title": "A thing", "kind": "thing", "amount": 1}
    answer = acme.app.post_json("/acme/api/v1/admin/products", product, headers=headers, status=503)
    assert answer.json["code"] == "unavailable"
    acme.app.get("/acme/api/v1/products", status=200)


def test_closed_connections_are_replaced_before_use(acme, postgresql):
    acme.app.get("/acme/api/v1/products", status=200)
    end_all = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE usename = 'autonomy_app' AND datname = current_database()"
    )
    owner = create_engine(postgresql.url(make_url(acme.database.url).database))
    with owner.begin() as connection:
        assert connection.scalars(text(end_all)).all()
    owner.dispose()
    acme.app.get("/acme/api/v1/products", status=200)


def test_an_exhausted_pool_is_a_503(acme, monkeypatch):
    pool = acme.database.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    monkeypatch.setattr(pool, "_max_overflow", 0)
    held = [acme.database.engine.connect() for _ in range(pool.size())]
    try:
        assert acme.app.get("/acme/api/v1/products", status=503).json["code"] == "unavailable"
    finally:
        for connection in held:
            connection.close()
    acme.app.get("/acme/api/v1/products", status=200)


def test_a_lost_connection_while_deferring_a_job_is_an_outage(acme, postgresql):
    # The transaction is lost as well.
    with suppress(OperationalError), acme.scope() as scope:
        pid = scope.session.scalar(text("SELECT pg_backend_pid()"))
        as_owner(acme, postgresql, f"SELECT pg_terminate_backend({pid}, 60000)")
        with pytest.raises(OperationalError, match=r"defer payments\.sweep"):
            defer(scope, "payments.sweep")


def test_a_connection_lost_after_the_answer_causes_no_error(acme, postgresql):
    session = acme.database.session("acme")
    pid = session.scalar(text("SELECT pg_backend_pid()"))
    as_owner(acme, postgresql, f"SELECT pg_terminate_backend({pid}, 60000)")
    close(session)
    acme.app.get("/acme/api/v1/products", status=200)
