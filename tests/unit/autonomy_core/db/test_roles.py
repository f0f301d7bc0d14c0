"""The rights of the application's role, and the roles that are refused for it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.roles import UnsafeRole, check_application_role, prepare_roles

ROLE = "shop_application"
SCHEMA = """
    CREATE TABLE album (id bigserial PRIMARY KEY, title text);
    CREATE TABLE media_alembic_version (version_num text);
    INSERT INTO media_alembic_version VALUES ('0001');
    CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42';
    REVOKE EXECUTE ON FUNCTION answer() FROM PUBLIC;
"""


@pytest.fixture
def application(owner: Engine, connect: Callable[..., Engine]) -> Engine:
    with owner.begin() as connection:
        connection.execute(text(SCHEMA))
        prepare_roles(connection, ROLE)
    return connect(ROLE)


def test_the_role_reads_and_writes_rows_and_calls_functions(application: Engine) -> None:
    with application.begin() as connection:
        connection.execute(text("INSERT INTO album (title) VALUES ('A')"))
        connection.execute(text("UPDATE album SET title = 'B'"))
        assert connection.scalar(text("DELETE FROM album RETURNING title")) == "B"
        assert connection.scalar(text("SELECT answer()")) == 42


def test_tables_made_later_are_granted_as_well(application: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE later (id bigserial)"))
    with application.begin() as connection:
        connection.execute(text("INSERT INTO later DEFAULT VALUES"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE media_alembic_version SET version_num = 'x'",
        "DELETE FROM media_alembic_version",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE album AS SELECT * FROM album",
        "ALTER TABLE album DISABLE ROW LEVEL SECURITY",
        "DROP TABLE album",
        "TRUNCATE album",
        "CREATE ROLE another SUPERUSER",
    ],
)
def test_the_role_may_not_change_tables_or_versions(application: Engine, statement: str) -> None:
    with (
        application.begin() as connection,
        pytest.raises(DBAPIError, match=r"permission denied|must be owner"),
    ):
        connection.execute(text(statement))


def test_the_role_can_read_which_versions_are_installed(application: Engine) -> None:
    with application.begin() as connection:
        assert connection.scalar(text("SELECT version_num FROM media_alembic_version")) == "0001"


def test_a_later_version_table_becomes_read_only_when_prepared(application: Engine, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE new_alembic_version (version_num text)"))
        prepare_roles(connection, ROLE)
    with application.begin() as connection, pytest.raises(DBAPIError, match="permission denied"):
        connection.execute(text("INSERT INTO new_alembic_version VALUES ('x')"))


def test_the_password_is_stored_hashed_and_never_logged(owner: Engine, server) -> None:
    secret = "correct 'horse' battery: 100%"
    with owner.begin() as connection:
        connection.execute(text("SET log_statement = 'all'"))
        prepare_roles(connection, "with_password", secret)
        stored = connection.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = 'with_password'"))
    assert stored.startswith("SCRAM-SHA-256$")
    assert "ALTER ROLE" in server.log_file.read_text()
    assert "horse" not in server.log_file.read_text()


def test_a_role_with_an_odd_name_is_quoted(owner: Engine, connect: Callable[..., Engine]) -> None:
    name = 'shop"; DROP ROLE postgres; --'
    with owner.begin() as connection:
        prepare_roles(connection, name)
    with connect(name).begin() as connection:
        assert connection.scalar(text("SELECT current_user")) == name


def test_the_prepared_role_is_safe(application: Engine) -> None:
    with application.begin() as connection:
        check_application_role(connection)


def test_the_owner_is_no_role_for_the_application(owner: Engine) -> None:
    with owner.begin() as connection:
        with pytest.raises(UnsafeRole, match="is a superuser"):
            check_application_role(connection)
        with pytest.raises(UnsafeRole, match="needs another one"):
            prepare_roles(connection, "postgres")


@pytest.mark.parametrize(
    ("name", "statement", "reason"),
    [
        ("bypasser", "CREATE ROLE bypasser LOGIN BYPASSRLS", "has BYPASSRLS"),
        ("creator", "CREATE ROLE creator LOGIN CREATEROLE", "has CREATEROLE"),
        (
            "table_owner",
            "CREATE ROLE table_owner LOGIN; CREATE TABLE t (id int); ALTER TABLE t OWNER TO table_owner",
            "'table_owner' owns the table t",
        ),
        (
            "member",
            "CREATE ROLE mighty BYPASSRLS; CREATE ROLE member LOGIN IN ROLE mighty",
            "'member' is a member of 'mighty', which has BYPASSRLS",
        ),
    ],
)
def test_a_role_that_policies_do_not_bind_is_refused(
    owner: Engine, connect: Callable[..., Engine], name: str, statement: str, reason: str
) -> None:
    with owner.begin() as connection:
        connection.execute(text(statement))
    with connect(name).begin() as connection, pytest.raises(UnsafeRole, match=reason):
        check_application_role(connection)
    with owner.begin() as connection, pytest.raises(UnsafeRole, match=reason):
        prepare_roles(connection, name)


def test_an_owner_without_createrole_is_told_what_to_run_as_admin(
    owner: Engine, connect: Callable[..., Engine]
) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE plain LOGIN; GRANT CREATE ON SCHEMA public TO plain"))
    with connect("plain").begin() as connection:
        connection.execute(text("CREATE TABLE album (id int)"))
        with pytest.raises(
            UnsafeRole, match='As an administrator of the server, run: CREATE ROLE "missing" LOGIN'
        ):
            prepare_roles(connection, "missing")


def test_an_owner_that_is_no_superuser_grants_its_own_tables(
    owner: Engine, connect: Callable[..., Engine]
) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id int)"))
        connection.execute(text("CREATE ROLE modest LOGIN; GRANT CREATE, USAGE ON SCHEMA public TO modest"))
        connection.execute(text("CREATE ROLE guest LOGIN"))
    with connect("modest").begin() as connection:
        connection.execute(text("CREATE TABLE album (id bigserial, title text)"))
        prepare_roles(connection, "guest")
    with connect("guest").begin() as connection:
        connection.execute(text("INSERT INTO album (title) VALUES ('A')"))
        with pytest.raises(DBAPIError) as refused:
            connection.execute(text("SELECT * FROM somebody_elses"))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_an_existing_role_keeps_its_password_if_it_may_not_be_set(
    owner: Engine, connect: Callable[..., Engine], database: str
) -> None:
    stored = text("SELECT rolpassword FROM pg_authid WHERE rolname = 'appointed'")
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE humble LOGIN; CREATE ROLE appointed LOGIN PASSWORD 'first'"))
        connection.execute(text(f"ALTER DATABASE {database} OWNER TO humble"))
        before = connection.scalar(stored)
    told: list[str] = []
    with connect("humble").begin() as connection:
        prepare_roles(connection, "appointed", "second", told.append)
    with owner.begin() as connection:
        assert connection.scalar(stored) == before
    assert [line.partition(";")[0] for line in told] == ["role appointed: keeps the password it has"]


def test_an_owner_with_createrole_creates_the_application_role(
    owner: Engine, connect: Callable[..., Engine], database: str
) -> None:
    stored = text("SELECT rolpassword FROM pg_authid WHERE rolname = 'offspring'")
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE maker LOGIN CREATEROLE"))
        connection.execute(text(f"ALTER DATABASE {database} OWNER TO maker"))
    found = set()
    for password in ("first", "second"):
        with connect("maker").begin() as connection:
            prepare_roles(connection, "offspring", password)
        with owner.begin() as connection:
            found.add(connection.scalar(stored))
    assert len(found) == 2
    assert all(each.startswith("SCRAM-SHA-256$") for each in found)


def test_a_right_that_cannot_be_granted_is_named(owner: Engine, connect: Callable[..., Engine]) -> None:
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE stranger LOGIN; CREATE ROLE appointee LOGIN"))
        connection.execute(text("REVOKE ALL ON SCHEMA public FROM PUBLIC"))
    with (
        connect("stranger").begin() as connection,
        pytest.raises(UnsafeRole, match=r"'appointee' cannot be given its rights.*permission denied.*REVOKE"),
    ):
        prepare_roles(connection, "appointee")
