"""Raw SQL sees no row of another organisation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import procrastinate
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from autonomy_core.db.isolation import isolate, isolate_jobs, unisolated_tables
from autonomy_core.db.migrations import upgrade
from autonomy_core.db.roles import prepare_roles

ROLE = "shop_application"

ALBUMS = "CREATE TABLE album (organisation_id text, id int, title text, PRIMARY KEY (organisation_id, id))"


def act_for(connection: Connection, organisation: str) -> None:
    connection.execute(text("SELECT set_config('autonomy.organisation', :id, true)"), {"id": organisation})


@pytest.fixture
def application(owner: Engine, connect: Callable[..., Engine]) -> Engine:
    """The application's engine, on a database where acme and globex have an album each."""
    with owner.begin() as connection:
        connection.execute(text(ALBUMS))
        isolate(connection, "album")
        connection.execute(text("INSERT INTO album VALUES ('acme', 1, 'A'), ('globex', 1, 'G')"))
        prepare_roles(connection, ROLE)
    return connect(ROLE, poolclass=QueuePool, pool_size=1, max_overflow=0)


def titles(connection: Connection) -> list[str]:
    return list(connection.scalars(text("SELECT title FROM album ORDER BY title")))


def test_without_an_organisation_no_row_is_seen(application: Engine) -> None:
    with application.begin() as connection:
        assert titles(connection) == []


def test_a_query_without_condition_sees_the_own_rows_only(application: Engine) -> None:
    with application.begin() as connection:
        act_for(connection, "acme")
        assert titles(connection) == ["A"]


def test_update_and_delete_without_condition_change_own_rows_only(application: Engine, owner: Engine) -> None:
    with application.begin() as connection:
        act_for(connection, "acme")
        assert connection.execute(text("UPDATE album SET title = 'changed'")).rowcount == 1
        assert connection.execute(text("DELETE FROM album")).rowcount == 1
    with owner.begin() as connection:
        assert titles(connection) == ["G"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO album VALUES ('globex', 2, 'planted')",
        "INSERT INTO album VALUES ('', 2, 'planted')",
        "UPDATE album SET organisation_id = 'globex', id = 9",
    ],
)
def test_no_row_can_be_moved_to_another_organisation(application: Engine, statement: str) -> None:
    with application.begin() as connection:
        act_for(connection, "acme")
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text(statement))


def test_a_pooled_connection_carries_no_organisation_over(application: Engine) -> None:
    with application.begin() as connection:
        act_for(connection, "acme")
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
    with application.begin() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == backend
        assert titles(connection) == []


def test_an_empty_organisation_id_can_insert_no_rows(
    application: Engine,
) -> None:
    with application.begin() as connection:
        act_for(connection, "")
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(text("INSERT INTO album VALUES ('', 1, 'nobody''s')"))


def test_truncate_which_policies_do_not_cover_is_not_allowed(application: Engine) -> None:
    with application.begin() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("TRUNCATE album"))


def test_an_isolated_table_has_no_findings(application: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        assert unisolated_tables(connection) == []


@pytest.mark.parametrize(
    ("weakness", "sentence"),
    [
        ("ALTER TABLE album NO FORCE ROW LEVEL SECURITY", "album: row-level security is not both"),
        ("ALTER TABLE album DISABLE ROW LEVEL SECURITY", "album: row-level security is not both"),
        (
            "DROP POLICY organisation_isolation ON album",
            "album: the policy organisation_isolation is missing",
        ),
        (
            "CREATE POLICY wide ON album USING (true)",
            "album: the policy wide lets rows of every organisation",
        ),
        ("CREATE POLICY wide ON album FOR INSERT WITH CHECK (true)", "album: the policy wide lets rows"),
        (
            "ALTER POLICY organisation_isolation ON album TO postgres",
            "album: the policy organisation_isolation",
        ),
        (
            "ALTER TABLE album DROP CONSTRAINT album_pkey, ADD PRIMARY KEY (id)",
            "album: its primary key lacks",
        ),
        ("ALTER TABLE album DROP CONSTRAINT album_pkey", "album: its primary key lacks"),
        (
            "ALTER TABLE album ADD UNIQUE (id), ADD COLUMN next int REFERENCES album (id)",
            "album: its foreign key album_next_fkey to album does not go by organisation_id",
        ),
        (
            "CREATE VIEW every_album AS SELECT * FROM album",
            "every_album: the view reads with its owner's rights",
        ),
        ("CREATE MATERIALIZED VIEW stored AS SELECT * FROM album", "stored: a materialised view has no"),
        ("CREATE TABLE track (organisation_id text PRIMARY KEY)", "track: row-level security is not both"),
    ],
)
def test_each_weakness_is_named(owner: Engine, weakness: str, sentence: str) -> None:
    with owner.begin() as connection:
        connection.execute(text(ALBUMS))
        connection.execute(text("INSERT INTO album VALUES ('acme', 1, 'A')"))
        isolate(connection, "album")
        connection.execute(text(weakness))
        found = unisolated_tables(connection)
    assert any(line.startswith(sentence) for line in found), found


def test_a_view_with_its_readers_rights_is_in_order(application: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE VIEW own WITH (security_invoker = true) AS SELECT * FROM album"))
        assert unisolated_tables(connection) == []


# Jobs

DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('q', :task, 0, NULL, NULL, CAST(:args AS jsonb), NULL)]"
    "::procrastinate_job_to_defer_v1[])"
)
JOBS = text("SELECT task_name FROM procrastinate_jobs ORDER BY task_name")


def defer(engine: Engine, organisation: str, task: str, args: str | None = None) -> None:
    with engine.begin() as connection:
        act_for(connection, organisation)
        args = args or f'{{"organisation_id": "{organisation}"}}'
        connection.execute(DEFER, {"task": task, "args": args})


@pytest.fixture
def jobs(owner: Engine, connect: Callable[..., Engine]) -> Engine:
    """The application's engine, with a job of acme's and one of globex's."""
    upgrade(owner, [])
    with owner.begin() as connection:
        prepare_roles(connection, ROLE)
    engine = connect(ROLE)
    defer(engine, "acme", "a")
    defer(engine, "globex", "g")
    return engine


def test_raw_sql_sees_the_jobs_of_the_own_organisation_only(jobs: Engine) -> None:
    with jobs.begin() as connection:
        assert list(connection.scalars(JOBS)) == []
        act_for(connection, "globex")
        assert list(connection.scalars(JOBS)) == ["g"]


@pytest.mark.parametrize("args", ['{"organisation_id": "globex"}', "{}"])
def test_no_job_can_be_deferred_for_another_organisation_or_for_none(jobs: Engine, args: str) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        defer(jobs, "acme", "planted", args)


def test_the_worker_sees_and_runs_the_jobs_of_all(jobs: Engine, connect: Callable[..., Engine]) -> None:
    conninfo = jobs.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connector = procrastinate.PsycopgConnector(conninfo=conninfo, kwargs={"options": "-c autonomy.worker=on"})
    app = procrastinate.App(connector=connector)
    done: list[str] = []

    def run(organisation_id: str) -> None:
        done.append(organisation_id)

    app.task(name="a")(run)
    app.task(name="g")(run)

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(work())
    assert sorted(done) == ["acme", "globex"]


def test_isolating_jobs_is_idempotent_and_its_absence_is_noticed(jobs: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        isolate_jobs(connection)
        assert unisolated_tables(connection) == []
        connection.execute(text("ALTER TABLE procrastinate_jobs DISABLE ROW LEVEL SECURITY"))
        assert unisolated_tables(connection)[0].startswith(
            "procrastinate_jobs: row-level security is not both"
        )
