"""The role the application connects as: it may read and write rows, and neither owns tables nor evades policies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from psycopg import errors
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.db.isolation import quote

ATTRIBUTES = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
READ_ONLY = r"(_alembic_version|^restorations)$"
"""The names of the tables that the application may only read: what they say is for it to obey."""


class UnsafeRole(RuntimeError):
    """A role could see or change what it must not."""


def prepare_roles(
    connection: Connection,
    application_role: str,
    password: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Make the application's role where it is missing, and grant it what it needs. Safe to repeat.

    Grants cover what the connected role owns in schema ``public``, now and in future; of `READ_ONLY`
    tables, only reading.

    Args:
        connection: of the role that owns the tables; the caller commits.
        application_role: the role's name.
        password: set if given; sent hashed (SCRAM-SHA-256), so that it is in no server log. A role that an
            administrator has made keeps the one it has, where the connected role may not set it.
        progress: told if that is so.

    Raises:
        UnsafeRole: the role exists with rights that isolation does not survive, or cannot be made or granted
            what it needs.
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
    """Check that the role that is connected is bound by row-level security.

    Raises:
        UnsafeRole: it is a superuser, bypasses policies, can make roles, or owns tables, itself or through a
            role that it is a member of.
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
        # Roles are shared by all databases: a migration of another one may have made it at this moment.
        if isinstance(error.orig, (errors.DuplicateObject, errors.UniqueViolation)):
            return
        raise UnsafeRole(
            f"The application's role {role!r} does not exist and cannot be made: {error.orig}. "
            f"As an administrator of the server, run: {statement}"
        ) from None


def _set_password(connection: Connection, role: str, password: str) -> bool:
    """Set it, unless that takes CREATEROLE, or the ADMIN option on the role since PostgreSQL 16: then False."""
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
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"  # what PostgreSQL 14 still grants
    # A temporary table outlives its transaction, and hides the real one of its name from the connection's next user.
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
    """What the connected role owns in schema ``public``, as quoted names: nobody may grant more than that."""
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
    """Make the role that reads every organisation's rows for backups, and let it read. Safe to repeat.

    Only a superuser may make a role that bypasses the policies. Where the owner of the tables may not, the statement
    for an administrator is told, and the rest is done when the role is there.

    Args:
        connection: of the role that owns the tables; the caller commits.
        password: set if given, and the owner may.
        progress: told what is left to do.
    """
    bypasses = connection.scalar(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": role}
    )
    verb = "CREATE" if bypasses is None else "ALTER"
    statement = f"{verb} ROLE {quote(role)} {BACKUP_ATTRIBUTES}"
    if not bypasses and not _try(connection, statement):
        # Without the password itself, which is not for a terminal or a log.
        own = " PASSWORD '…', the one in autonomy.backup_url" if password and bypasses is None else ""
        progress(
            f"role {role}: as an administrator of the database, run: {statement}{own}; then autonomy migrate again"
        )
        if bypasses is None:
            return
    if password is not None and not _set_password(connection, role, password):
        progress(
            f"role {role}: keeps the password it has; the tables' owner may not set it, "
            "an administrator of the server can"
        )
    for grant in _reading(connection, quote(role)):
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


def _reading(connection: Connection, role: str) -> Iterator[str]:
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind IN ('r', 'p')"):
        yield f"GRANT SELECT ON TABLE {name} TO {role}"
    for name in _owned(connection, "pg_class", "rel", "AND relkind = 'S'"):
        yield f"GRANT SELECT ON SEQUENCE {name} TO {role}"
    for objects in ("TABLES", "SEQUENCES"):
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON {objects} TO {role}"
