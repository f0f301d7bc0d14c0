from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from autonomy_core.db.embedded import EmbeddedServer
from tests.support.refused_port import REFUSING


def test_migrate_prints_each_step_and_does_nothing_twice(unmigrated):
    first = unmigrated.run("migrate")
    assert first.exit_code == 0
    assert "autonomy_core: Core tables" in first.stderr
    assert "role autonomy_app: ready" in first.stderr
    assert first.stdout == "The database is up to date.\n"
    second = unmigrated.run("migrate")
    assert second.exit_code == 0
    assert "Core tables" not in second.stderr


def test_check_lists_pending_revisions_with_status_1(unmigrated):
    before = unmigrated.run("migrate", "--check")
    assert before.exit_code == 1
    assert "autonomy_core: the database is at base" in before.stdout
    unmigrated.run("migrate")
    after = unmigrated.run("migrate", "--check")
    assert (after.exit_code, after.stdout) == (0, "The database is up to date.\n")


def test_an_external_database_needs_the_owners_url(bare):
    bare.write(**{"sqlalchemy.url": f"postgresql://autonomy_app@{REFUSING}/autonomy"})
    result = bare.run("migrate")
    assert result.exit_code == 2
    assert "autonomy.owner_url is missing" in result.stderr


@pytest.fixture
def administration(postgresql):
    """Run a statement about roles as a superuser and return its rows."""

    def run(statement, *names):
        composed = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(url_for_libpq(postgresql.url("postgres")), autocommit=True) as connection:
            found = connection.execute(composed)
            return found.fetchone() if found.description else None

    return run


def url_for_libpq(url):
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def two_roles(administration):
    """The names of an owner without any privilege, and of an application's role with a password."""
    owner, application = f"owner_{uuid4().hex}", f"application_{uuid4().hex}"
    administration("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEROLE PASSWORD 'change-me-too'", owner)
    administration("CREATE ROLE {} LOGIN PASSWORD 'change-me'", application)
    yield owner, application
    administration("DROP ROLE {}, {}", owner, application)


def test_an_owner_without_privileges_migrates_for_an_existing_role(
    two_roles, unmigrated, administration, postgresql
):
    owner, application = two_roles
    database = make_url(unmigrated.owner_url).database
    administration("ALTER DATABASE {} OWNER TO {}", database, owner)
    unmigrated.write(
        **{
            "sqlalchemy.url": with_password(postgresql.url(database, application), "change-me"),
            "autonomy.owner_url": with_password(postgresql.url(database, owner), "change-me-too"),
        }
    )
    hashed = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{application}'"
    made_with = administration(hashed)
    for _ in range(2):
        result = unmigrated.run("migrate")
        assert result.exit_code == 0, result.stderr
        told = " ".join(result.stderr.split())
        assert f"role {application}: keeps the password it has" in told
        assert f"role {application}: ready" in told
    assert administration(hashed) == made_with
    assert unmigrated.run("migrate", "--check").exit_code == 0
    assert unmigrated.run("keys", "list", "acme").stdout == "no keys\n"


def with_password(url, password):
    return make_url(url).set(password=password).render_as_string(hide_password=False)


def test_the_application_may_not_be_the_owner(unmigrated, postgresql):
    owner = unmigrated.owner_url
    unmigrated.write(**{"sqlalchemy.url": owner, "autonomy.owner_url": owner})
    result = unmigrated.run("migrate")
    assert result.exit_code == 1
    assert "owns the tables; the application needs another one" in result.stderr


@pytest.mark.processes
def test_the_embedded_database_is_made_started_and_stopped_again(bare):
    bare.write()
    before = bare.run("keys", "list", "acme")
    assert f"run: autonomy --config {bare.ini} migrate" in before.stderr
    assert bare.run("db", "start").exit_code == 0
    try:
        assert bare.run("migrate").exit_code == 0
        assert bare.run("keys", "list", "acme").stdout == "no keys\n"
        assert "running   yes" in bare.run("db", "status").stdout
        assert bare.run("db", "url").stdout.startswith("postgresql://autonomy_app@/autonomy?host=")
        assert bare.run("db", "stop").stdout == "stopped\n"
        again = bare.run("db", "stop")
        assert (again.exit_code, again.stdout) == (0, "it was not running\n")
        stopped = bare.run("db", "status")
        assert stopped.exit_code == 1
        assert "running   no" in stopped.stdout
    finally:
        EmbeddedServer(data_dir=bare.directory / "data" / "postgresql").remove()


def test_an_external_database_is_not_started_or_stopped(bare):
    for verb in ("start", "stop"):
        result = bare.run("db", verb)
        assert result.exit_code == 1
        assert "not the embedded one" in result.stderr


def test_the_url_for_psql_has_no_password(bare):
    url = "postgresql+psycopg://autonomy_app:s3cret@db.example/autonomy?sslpassword=s3cret"
    bare.write(**{"sqlalchemy.url": url})
    for arguments in (("db", "url"), ("db", "status")):
        shown = bare.run(*arguments).stdout
        assert "postgresql://autonomy_app@db.example/autonomy" in shown
        assert "s3cret" not in shown
