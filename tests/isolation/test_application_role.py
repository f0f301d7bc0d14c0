"""The application's role lacks rights on the schema of the core and of every plugin."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.isolation import quote, unisolated_tables
from autonomy_core.db.roles import check_application_role
from autonomy_core.security.api_keys import issue
from autonomy_core.testing.application import Autonomy
from tests.isolation.tables import JOBS, all_tables, tenant_tables

OF_THE_QUEUE = "procrastinate_"
"""Numbers, times and task names of the jobs; the jobs themselves have a policy."""

FORBIDDEN = [
    "ALTER TABLE products DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE products NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY organisation_isolation ON products",
    "ALTER POLICY organisation_isolation ON products USING (true)",
    "CREATE POLICY wide ON products USING (true)",
    "ALTER TABLE products OWNER TO CURRENT_USER",
    "ALTER TABLE products DISABLE TRIGGER ALL",
    "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_append_only",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "GRANT postgres TO CURRENT_USER",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATE ROLE another",
    "CREATE TABLE public.mine (id int)",
    "CREATE VIEW public.mine AS SELECT * FROM products",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "SELECT * FROM pg_largeobject",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY products TO PROGRAM 'true'",
    "COPY products TO '/tmp/products'",
    "TRUNCATE products CASCADE",
    "DROP TABLE products",
]


def refusal(autonomy: Autonomy, statement: str) -> str | None:
    """The SQLSTATE with which a statement is refused to the application, None if it is not."""
    try:
        with autonomy.scope() as scope:
            scope.session.connection().exec_driver_sql(statement)
            scope.session.rollback()
    except DBAPIError as error:
        return str(error.orig.sqlstate)
    return None


SERVERS_OWN = {"restorations"}
"""Tables that are about the server as a whole, and that the application may only read."""


@pytest.fixture
def acme(autonomy: Autonomy) -> Autonomy:
    autonomy.organisation("acme")
    return autonomy


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_application_role_lacks_the_right(acme: Autonomy, statement: str) -> None:
    insufficient_privilege = "42501"
    assert refusal(acme, statement) == insufficient_privilege


def test_the_application_cannot_write_migration_versions(acme: Autonomy) -> None:
    with acme.scope() as scope:
        names = [table.name for table in all_tables(scope.session) if table.name.endswith("_alembic_version")]
    assert "autonomy_core_alembic_version" in names
    for name in names:
        for statement in (
            f"UPDATE {name} SET version_num = 'x'",
            f"DELETE FROM {name}",
            f"INSERT INTO {name} VALUES ('x')",
        ):
            assert refusal(acme, statement) == "42501"


def test_a_restored_copy_cannot_be_activated_by_the_application(acme: Autonomy) -> None:
    for statement in (
        "UPDATE restorations SET activated_at = now()",
        "DELETE FROM restorations",
        "INSERT INTO restorations VALUES (gen_random_uuid(), now(), now())",
    ):
        assert refusal(acme, statement) == "42501"


def test_audit_entries_can_only_be_added(acme: Autonomy) -> None:
    with acme.scope() as scope:
        issue(scope, "a key", ["catalog.read"], actor="test")
    for statement in (
        "UPDATE audit_entries SET actor = 'nobody'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ):
        assert refusal(acme, statement) in {"P0001", "42501"}
    with acme.scope() as scope:
        assert scope.session.scalar(text("SELECT count(*) FROM audit_entries WHERE actor = 'test'")) == 1


def test_the_role_is_bound_by_the_policies(acme: Autonomy) -> None:
    with acme.scope() as scope:
        check_application_role(scope.session.connection())


def test_the_tables_of_all_plugins_are_isolated(acme: Autonomy) -> None:
    with acme.scope() as scope:
        assert unisolated_tables(scope.session.connection()) == []


def test_every_table_is_per_organisation_or_a_listed_exception(acme: Autonomy) -> None:
    with acme.scope() as scope:
        tenants = {table.name for table in tenant_tables(scope.session)}
        others = {table.name for table in all_tables(scope.session)} - tenants
    assert JOBS in tenants
    assert {
        name for name in others if not name.startswith(OF_THE_QUEUE) and not name.endswith("_alembic_version")
    } == SERVERS_OWN


def test_no_function_runs_with_its_owners_rights(acme: Autonomy) -> None:
    statement = "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    with acme.scope() as scope:
        assert list(scope.session.scalars(text(statement))) == []


def test_without_an_organisation_no_row_can_be_read_or_written(acme: Autonomy) -> None:
    acme.customer("acme")
    with acme.runtime.database.transaction(None) as session:
        for table in tenant_tables(session):
            assert session.scalar(text(f"SELECT count(*) FROM {quote(table.name)}")) == 0
        with pytest.raises(DBAPIError, match="row-level security"), session.begin_nested():
            session.execute(text("INSERT INTO customers VALUES ('', gen_random_uuid(), 'a@b.c', 'A', now())"))
