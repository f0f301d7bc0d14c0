"""Engines, whose connections have limits. Those of the application's role are looked at, and end what hangs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event

from autonomy_core.db.driver import keep_alive
from autonomy_core.db.outages import bounded


def make_engine(
    url: str, limits: Mapping[str, float], before_connect: Callable[[], None] | None, **options: Any
) -> Engine:
    """An engine whose sessions have limits: PostgreSQL ends what hangs, since Python cannot stop a thread.

    Args:
        limits: PostgreSQL's settings of each session, in seconds.
        before_connect: called before each new connection, for a server that is started on demand.
        options: of `sqlalchemy.create_engine`.
    """
    # An error's message goes to the log, and values are customers' data.
    engine = create_engine(bounded(url), hide_parameters=True, **options)
    keep_alive(engine)

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
    """An engine that keeps no connection, for what is done once: its sessions are those of the role, without limits."""
    return create_engine(bounded(url), poolclass=NullPool, hide_parameters=True)
