"""When a worker was last seen: for readiness, and as a metric."""

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

# A worker that ends takes its row, and its heartbeat, with it. What it has scheduled in its last minute stays.
LAST_SEEN = text("""
    SELECT greatest(
        (SELECT extract(epoch FROM max(last_heartbeat)) FROM procrastinate_workers),
        (SELECT max(defer_timestamp) FROM procrastinate_periodic_defers)
    )::float
""")


def last_seen(connection: Connection) -> float | None:
    """When any worker has given its last sign of life, in seconds since the epoch; None if none ever has."""
    seen: float | None = connection.scalar(LAST_SEEN)
    return seen


class WorkerPresence:
    """The metric. While the database does not answer, it is what was seen last by this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: float | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metric's only sample, 0 if no worker was ever seen; none while that is not known."""
        try:
            self._seen = self._database.ask(last_seen) or 0.0
        except (SQLAlchemyError, EmbeddedServerError, NoAnswer):
            if self._seen is None:
                return
        yield GaugeMetricFamily(NAME, "When a worker was last seen; 0 for never.", value=self._seen)

    def registry(self) -> CollectorRegistry:
        """A registry of this metric alone: it is the same in all processes, and not to be summed."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry
