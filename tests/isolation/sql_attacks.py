"""Attacks by SQL from code in one organisation's transaction, as a plugin without WHERE clauses.

Every attack is a generator of breaches, a sentence each. What it does is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from autonomy_core.plugin_api.scope import TenantScope
from tests.isolation.tables import Reference, Table, references, tenant_tables

NOT_ALLOWED = {"42501"}
"""insufficient_privilege, which is also what a policy answers."""

APPEND_ONLY = {"P0001"}
"""The error of a trigger, such as that of the audit trail."""

FOREIGN_KEY = {"23503"}

Attack = Callable[[TenantScope, Table, str], Iterator[str]]

READS = {
    "SELECT": "SELECT {whose} FROM {table}",
    "the other's by name": "SELECT {whose} FROM {table} WHERE {whose} = :other",
    "FOR UPDATE": "SELECT {whose} FROM {table} FOR UPDATE",
    "a CTE": "WITH every AS MATERIALIZED (SELECT * FROM {table}) SELECT {whose} FROM every",
    "a join": "SELECT {whose} FROM (SELECT b.* FROM {table} a RIGHT JOIN {table} b ON false) every",
    "a subquery": "SELECT (SELECT max({whose}) FROM {table} WHERE {whose} = :other) WHERE :other IS NOT NULL",
    "policies switched off": "SELECT {whose} FROM {table}",
    # A condition that fails on foreign rows would reveal them if it was evaluated before the policy.
    "a condition that complains": "SELECT {whose} FROM {table} WHERE 1 / (length({whose}) - length(:other)"
    " + (CASE WHEN {whose} = :other THEN 0 ELSE 1000 END)) IS NOT NULL",
}

WRITES = {
    "UPDATE": "UPDATE {table} SET {column} = {column} RETURNING {whose}",
    "UPDATE of the other's by name": (
        "UPDATE {table} SET {column} = {column} WHERE {whose} = :other RETURNING {whose}"
    ),
    "DELETE": "DELETE FROM {table} RETURNING {whose}",
    "DELETE of the other's by name": "DELETE FROM {table} WHERE {whose} = :other RETURNING {whose}",
    "a CTE that deletes": (
        "WITH gone AS (DELETE FROM {table} WHERE {whose} = :other RETURNING *) SELECT {whose} FROM gone"
    ),
}

GIFTS = {
    "INSERT for another": "INSERT INTO {table} ({columns}) SELECT {copy} FROM {table} LIMIT 1",
    "UPDATE that gives a row away": "UPDATE {table} SET {column} = {given_away}",
}


def breaches(scope: TenantScope, other: str, attacks: Iterable[Attack] | None = None) -> list[str]:
    """Attack every table of tenants from within one organisation.

    Args:
        other: the id of an organisation that has rows in them as well.
        attacks: by default all of them.
    """
    breached = [
        f"{table.name}: {breach}"
        for table in tenant_tables(scope.session)
        for breach in breaches_of(scope, table, other, attacks)
    ]
    return [*breached, *statistics(scope, other)]


def breaches_of(
    scope: TenantScope, table: Table, other: str, attacks: Iterable[Attack] | None = None
) -> Iterator[str]:
    """Attack one table, until the caller has enough."""
    for attack in EVERY if attacks is None else attacks:
        yield from attack(scope, table, other)


def reading(scope: TenantScope, table: Table, other: str) -> Iterator[str]:
    """Own rows are seen, which shows that the attack works, and no others."""
    for title, template in READS.items():
        settings = ("SET LOCAL row_security = off",) if title == "policies switched off" else ()
        seen = tried(scope, filled(template, table), other, settings=settings)
        if isinstance(seen, set) and seen - {scope.organisation.id, None}:
            yield f"{title} shows rows of {', '.join(sorted(seen - {scope.organisation.id, None}))}"
        if isinstance(seen, str) and (seen not in NOT_ALLOWED or not settings):
            yield f"{title} fails with {seen}"
        if title == "SELECT" and seen == set():
            yield "there are no own rows, so the attack proves nothing"


def writing(scope: TenantScope, table: Table, other: str) -> Iterator[str]:
    """No foreign row is changed or deleted. Own rows may be, unless keys or triggers refuse it."""
    for title, template in WRITES.items():
        touched = tried(scope, filled(template, table), other)
        if isinstance(touched, set) and touched - {scope.organisation.id}:
            yield f"{title} reaches rows of {', '.join(sorted(touched - {scope.organisation.id}))}"
        if isinstance(touched, str) and touched not in NOT_ALLOWED | APPEND_ONLY | FOREIGN_KEY:
            yield f"{title} fails with {touched}"


def giving_away(scope: TenantScope, table: Table, other: str) -> Iterator[str]:
    """No row is created for, or moved to, another organisation or an empty id."""
    for title, template in GIFTS.items():
        for receiver in (other, ""):
            result = tried(scope, filled(template, table), receiver)
            if result not in [*NOT_ALLOWED, *APPEND_ONLY]:
                yield f"{title} ({receiver!r}) is not refused by the policy: {result}"


def copying_out(scope: TenantScope, table: Table, other: str) -> Iterator[str]:
    """COPY knows the policies as well."""
    savepoint = scope.session.begin_nested()
    with scope.session.connection().connection.driver_connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {table.whose} FROM {table.quoted}) TO STDOUT") as rows:
            seen = {row[0] for row in rows.rows()}
        with cursor.copy(f"COPY {table.quoted} TO STDOUT") as data:
            everything = b"".join(bytes(part) for part in data)
    savepoint.rollback()
    if seen != {scope.organisation.id}:
        yield f"COPY shows rows of {seen}"
    if not everything or other.encode() + b"\t" in everything:
        yield "COPY of the table shows other rows than its own"


def truncating(scope: TenantScope, table: Table, other: str) -> Iterator[str]:
    """Policies do not cover it, so it must not be granted."""
    result = tried(scope, f"TRUNCATE {table.quoted} CASCADE", other)
    if result not in NOT_ALLOWED:
        yield f"TRUNCATE is not refused: {result}"


EVERY: tuple[Attack, ...] = (reading, writing, giving_away, copying_out, truncating)


def statistics(scope: TenantScope, other: str) -> Iterator[str]:
    """The planner keeps samples of values; those of tables with policies are hidden."""
    names = [table.name for table in tenant_tables(scope.session)]
    statement = text("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = ANY(:names)")
    if scope.session.scalar(statement, {"names": names}):
        yield "pg_stats shows values of every organisation"


def pointing_across(scope: TenantScope, keys: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """No foreign key of an own row can point to a row of another organisation.

    Args:
        keys: by foreign key, the values of the columns that it refers to in one of the other's rows.
    """
    for reference in references(scope.session, tenant_tables(scope.session)):
        values = ", ".join(
            f"{column} = '{value}'"
            for column, value in zip(reference.columns, keys[reference.name], strict=True)
        )
        # One row does not collide with itself, and one with a reference breaks no other constraint.
        row = f'SELECT ctid FROM "{reference.table}" ORDER BY {reference.columns[0]} IS NULL, ctid LIMIT 1'
        statement = f'UPDATE "{reference.table}" SET {values} WHERE ctid = ({row}) RETURNING 1'
        result = tried(scope, statement, "")
        if result not in [*FOREIGN_KEY, *APPEND_ONLY]:
            points = f"{reference.table}: {reference.name} can point to another organisation's"
            yield f"{points} {reference.target}: {result}"


def referred_keys(scope: TenantScope) -> dict[str, tuple[str, ...]]:
    """For each foreign key, a row of this organisation that it could point to."""
    return {
        reference.name: _first_key(scope, reference)
        for reference in references(scope.session, tenant_tables(scope.session))
    }


def _first_key(scope: TenantScope, reference: Reference) -> tuple[str, ...]:
    columns = ", ".join(reference.target_columns)
    return tuple(
        map(str, scope.session.execute(text(f'SELECT {columns} FROM "{reference.target}" LIMIT 1')).one())
    )


def filled(template: str, table: Table) -> str:
    """The statement for a table."""
    copied = [
        table.given_away if column.strip('"') == table.owner_column else column for column in table.copied
    ]
    return template.format(
        table=table.quoted,
        whose=table.whose,
        column=table.owner_column,
        columns=", ".join(table.copied),
        copy=", ".join(copied),
        given_away=table.given_away,
    )


def tried(
    scope: TenantScope, statement: str, other: str, *, settings: Iterable[str] = ()
) -> set[str | None] | int | str:
    """The result of a statement, rolled back: its first column, the row count, or the SQLSTATE."""
    savepoint = scope.session.begin_nested()
    try:
        for setting in settings:
            scope.session.execute(text(setting))
        result = scope.session.execute(text(statement), {"other": other} if ":other" in statement else {})
        return set(result.scalars()) if result.returns_rows else result.rowcount
    except DBAPIError as error:
        return str(getattr(error.orig, "sqlstate", error))
    finally:
        savepoint.rollback()
