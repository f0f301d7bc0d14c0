"""The application's database role: it reads and writes rows, but cannot own tables or bypass policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from psycopg import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.isolation import quote

ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
READ_ONLY = r"(_alembic_version|^restorations)$"
"""A pattern for the tables that the application may only read, because they control what it may do."""


class UnsafeRole(RuntimeError):
    """A role has, or could get, rights that bypass isolation."""


def prepare_roles(
    connection: Connection,
    application_role: str,
    password: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Create the application's role if it is missing, and grant its rights. Safe to repeat.

    The grants cover everything that the connected role owns in schema ``public``, now and in future. Tables
    that match `READ_ONLY` get reading rights only.

    Args:
        connection: a connection of the role that owns the tables; the caller commits.
        application_role: the role's name.
        password: the password to set. It is sent as a SCRAM-SHA-256 hash, so that no server log contains it.
            If an administrator created the role and the connected role may not set it, the role keeps its
            password.
        progress: called with one line if the role keeps its password.

    Raises:
        UnsafeRole: the role has rights that bypass isolation, or cannot be created or granted its rights.
    """
    if connection.scalar(text("SELECT current_user")) == application_role:
        raise UnsafeRole(f"The role {application_role!r} owns the tables; the application needs another one.")
    _create_role(connection, application_role)
    if password is not None and not _set_password(connection, application_role, password):
        progress(
            f"role {application_role}: keeps the password it has; the tables' owner may not set it, "
            "an administrator of the server can"
        )
    for statement in _grants(connection, quote(application_role)):
        _grant(connection, application_role, statement)
    _check(connection, application_role)


def check_application_role(connection: Connection) -> None:
    """Check that row-level security applies to the connected role.

    Raises:
        UnsafeRole: the role is a superuser, bypasses policies, can create roles or owns tables, either itself
            or as a member of another role.
    """
    _check(connection, connection.scalar(text("SELECT current_user")))


RIGHTS = text("""
    SELECT r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole,
           (SELECT min(c.relname::text) FROM pg_class c
            WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           ) AS owned
    FROM pg_roles r WHERE r.rolname = :role OR pg_has_role(CAST(:role AS name), r.oid, 'MEMBER')
    ORDER BY r.rolname <> :role, r.rolname
""")


def _check(connection: Connection, role: str) -> None:
    for row in connection.execute(RIGHTS, {"role": role}):
        found = {
            "is a superuser": row.rolsuper,
            "has BYPASSRLS": row.rolbypassrls,
            "has CREATEROLE": row.rolcreaterole,
            f"owns the table {row.owned}": row.owned,
        }
        problems = [problem for problem, present in found.items() if present]
        if problems:
            member = "" if row.rolname == role else f" is a member of {row.rolname!r}, which"
            raise UnsafeRole(
                f"The role {role!r}{member} {' and '.join(problems)}: organisations would not be kept apart. "
                "Connect the application as a role of its own, such as 'autonomy migrate' prepares."
            )


def _create_role(connection: Connection, role: str) -> None:
    if connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return
    statement = f"CREATE ROLE {quote(role)} {ATTRIBUTES}"
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError as error:
        # Databases share the server's roles: a concurrent migration of another database may have created it.
        if isinstance(error.orig, (errors.DuplicateObject, errors.UniqueViolation)):
            return
        raise UnsafeRole(
            f"The application's role {role!r} does not exist and cannot be made: {error.orig}. "
            f"As an administrator of the server, run: {statement}"
        ) from None


def _set_password(connection: Connection, role: str, password: str) -> bool:
    """Set the password. False without CREATEROLE or, since PostgreSQL 16, the ADMIN option on the role."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - for the type checker: the connection is open
    hashed = driver.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"ALTER ROLE {quote(role)} PASSWORD '{hashed}'")
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            return False
        raise UnsafeRole(f"The password of the role {role!r} cannot be set: {error.orig}") from None
    return True


def _grant(connection: Connection, role: str, statement: str) -> None:
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        raise UnsafeRole(
            f"The role {role!r} cannot be given its rights: {error.orig}. The statement was: {statement}"
        ) from None


def _grants(connection: Connection, role: str) -> Iterator[str]:
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"  # PostgreSQL 14 grants it by default
    # A temporary table outlives its transaction, and hides the real table from the connection's next user.
    yield f"REVOKE TEMPORARY ON DATABASE {quote(_database(connection))} FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind IN ('r', 'p')"):
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE {name} TO {role}"
    for name in _owned(connection, "pg_class", "rel", f"AND relkind = 'r' AND relname ~ '{READ_ONLY}'"):
        yield f"REVOKE INSERT, UPDATE, DELETE ON TABLE {name} FROM {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind = 'S'"):
        yield f"GRANT USAGE ON SEQUENCE {name} TO {role}"
    for name in _owned(connection, "pg_proc", "pro", ""):
        yield f"GRANT EXECUTE ON ROUTINE {name} TO {role}"
    for objects in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES", "EXECUTE ON ROUTINES"):
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {objects} TO {role}"


def _database(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT current_database()")))


def _owned(connection: Connection, catalog: str, prefix: str, condition: str) -> list[str]:
    """Quoted names of the connected role's objects in ``public``: it can grant rights only on these."""
    kind = {"pg_class": "regclass", "pg_proc": "regprocedure"}[catalog]
    query = f"""
        SELECT oid::{kind}::text FROM {catalog}
        WHERE {prefix}namespace = 'public'::regnamespace
          AND {prefix}owner = (SELECT oid FROM pg_roles WHERE rolname = current_user) {condition}
        ORDER BY 1"""  # noqa: S608 - made of the constants above
    return list(connection.scalars(text(query)))


BACKUP_ATTRIBUTES = "LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"


def prepare_backup_role(
    connection: Connection, role: str, password: str | None, progress: Callable[[str], None]
) -> None:
    """Create the role that reads the rows of all organisations for backups. Safe to repeat.

    Only a superuser may create a role that bypasses policies. If the connected role may not, the statement
    for an administrator is printed, and the next migration does the rest.

    Args:
        connection: a connection of the role that owns the tables; the caller commits.
        role: the role's name.
        password: the password to set, if the connected role may set it.
        progress: called with one line for each step that an administrator has to do.
    """
    bypasses = connection.scalar(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    verb = "CREATE" if bypasses is None else "ALTER"
    statement = f"{verb} ROLE {quote(role)} {BACKUP_ATTRIBUTES}"
    if not bypasses and not _try(connection, statement):
        # Without the password itself, because terminals and logs must not show it.
        own = " PASSWORD '…', the one in autonomy.backup_url" if password and bypasses is None else ""
        progress(
            f"role {role}: as an administrator of the database, run: {statement}{own}; "
            "then autonomy migrate again"
        )
        if bypasses is None:
            return
    if password is not None and not _set_password(connection, role, password):
        progress(
            f"role {role}: keeps the password it has; the tables' owner may not set it, "
            "an administrator of the server can"
        )
    for grant in _read_grants(connection, quote(role)):
        _grant(connection, role, grant)
    progress(f"role {role}: may read everything")


def _try(connection: Connection, statement: str) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError as error:
        if isinstance(error.orig, errors.InsufficientPrivilege):
            return False
        raise
    return True


def _read_grants(connection: Connection, role: str) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind IN ('r', 'p')"):
        yield f"GRANT SELECT ON TABLE {name} TO {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind = 'S'"):
        yield f"GRANT SELECT ON SEQUENCE {name} TO {role}"
    for objects in ("TABLES", "SEQUENCES"):
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON {objects} TO {role}"
