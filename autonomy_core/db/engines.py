"""SQLAlchemy engines with time limits for statements and connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event

from autonomy_core.db.driver import PING_AFTER_S, keep_alive
from autonomy_core.db.outages import bounded


def make_engine(
    url: str,
    limits: Mapping[str, float],
    before_connect: Callable[[], None] | None,
    *,
    ping_after_s: float = PING_AFTER_S,
    **options: Any,
) -> Engine:
    """An engine whose sessions have time limits. PostgreSQL enforces them: Python cannot stop a thread.

    Args:
        url: SQLAlchemy URL of the database.
        limits: PostgreSQL settings for each session, by name, in seconds.
        before_connect: called before each new connection, for a server that is started on demand.
        ping_after_s: see `driver.PING_AFTER_S`.
        options: further arguments of `sqlalchemy.create_engine`.
    """
    # Error messages go to the log, and parameter values are customers' data.
    engine = create_engine(bounded(url), hide_parameters=True, **options)
    keep_alive(engine, ping_after_s)

    @event.listens_for(engine, "connect")
    def set_limits(connection: Any, _: Any) -> None:
        for name, seconds in limits.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, str(round(seconds * 1000))])
        connection.commit()

    if before_connect is not None:

        @event.listens_for(engine, "do_connect")
        def start(*_: Any) -> None:
            before_connect()

    return engine


def single_engine(url: str) -> Engine:
    """An engine without a pool, for one-time work. Its sessions have the limits of the role only."""
    return create_engine(bounded(url), poolclass=NullPool, hide_parameters=True)
