"""When a worker was last seen, for readiness and as a metric."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.probe import NoAnswer

NAME = "autonomy_worker_last_seen_timestamp_seconds"

# A worker that stops deletes its heartbeat row. The jobs that it scheduled in its last minute remain.
LAST_SEEN = text("""
    SELECT greatest(
        (SELECT extract(epoch FROM max(last_heartbeat)) FROM procrastinate_workers),
        (SELECT max(defer_timestamp) FROM procrastinate_periodic_defers)
    )::float
""")


def last_seen(connection: Connection) -> float | None:
    """Return the time of the latest heartbeat of any worker, in seconds since the epoch, or None."""
    seen: float | None = connection.scalar(LAST_SEEN)
    return seen


class WorkerPresence:
    """The metric. While the database does not answer, it keeps the last value that this process saw."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: float | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the only sample: 0 if no worker was ever seen.

        There is no sample before the database's first answer. Without a new answer, the last one is repeated.
        """
        try:
            self._seen = self._database.ask(last_seen) or 0.0
        except (SQLAlchemyError, EmbeddedServerError, NoAnswer):
            if self._seen is None:
                return
        yield GaugeMetricFamily(NAME, "When a worker was last seen; 0 for never.", value=self._seen)

    def registry(self) -> CollectorRegistry:
        """Return a separate registry: the value is the same in all processes and must not be summed."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry
