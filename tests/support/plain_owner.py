"""A role that owns the tables as hosting providers give one: no superuser, bound by the policies."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event, text

OWNER = "plain_owner"

TABLES = text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
FUNCTIONS = text("SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace")


def owned_by_a_plain_role(engine: Engine) -> Engine:
    """Give a database's tables and functions to a plain role; return an engine of that role."""
    with engine.begin() as connection:
        known = text("SELECT count(*) FROM pg_roles WHERE rolname = :name")
        if not connection.scalar(known, {"name": OWNER}):
            connection.execute(text(f"CREATE ROLE {OWNER} NOSUPERUSER NOBYPASSRLS"))
        connection.execute(text(f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}"))
        for name in connection.scalars(TABLES).all():
            connection.execute(text(f'ALTER TABLE "{name}" OWNER TO {OWNER}'))
        for signature in connection.scalars(FUNCTIONS).all():
            connection.execute(text(f"ALTER FUNCTION {signature} OWNER TO {OWNER}"))
    plain = create_engine(engine.url, poolclass=NullPool)

    @event.listens_for(plain, "connect")
    def become(connection: Any, _: Any) -> None:
        connection.execute(f"SET ROLE {OWNER}")
        connection.commit()

    return plain
