"""Alarms: raised in the transaction that finds a fault, and cleared in the transaction that repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from autonomy_core.alarms.models import Alarm
from autonomy_core.db.base import utcnow
from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServerError
from autonomy_core.db.probe import NoAnswer
from autonomy_core.kernel.scope import TenantScope

METRIC = "autonomy_alarms"

SEE_ALL = text("SELECT set_config('autonomy.operations', 'on', true)")
COUNTS = text("SELECT organisation_id, name, count(*) FROM alarms GROUP BY 1, 2 ORDER BY 1, 2")


@dataclass(frozen=True, slots=True)
class AlarmCount:
    """How many alarms of one name an organisation has."""

    organisation_id: str
    name: str
    count: int


def raise_alarm(scope: TenantScope, name: str, subject: str, message: str) -> None:
    """Raise an alarm when the scope's transaction commits. Raising it again replaces the message.

    Args:
        name: ``<plugin or feature>.<what>``; the operator's runbook is indexed by it.
        subject: the id of the affected object, as the commands accept it.
        message: the fault in one sentence, without secrets.
    """
    values = {
        "organisation_id": scope.organisation.id,
        "name": name,
        "subject": subject,
        "raised_at": utcnow(),
    }
    new = insert(Alarm).values(message=message, **values)
    key = ["organisation_id", "name", "subject"]
    scope.session.execute(new.on_conflict_do_update(index_elements=key, set_={"message": message}))


def clear_alarm(scope: TenantScope, name: str, subject: str) -> bool:
    """Clear an alarm in the scope's transaction; return whether it existed."""
    key = (Alarm.organisation_id == scope.organisation.id, Alarm.name == name, Alarm.subject == subject)
    cleared = delete(Alarm).where(*key).returning(Alarm.subject)
    return scope.session.scalar(cleared.execution_options(synchronize_session=False)) is not None


def alarms_of(scope: TenantScope, limit: int) -> list[Alarm]:
    """Return the organisation's alarms, oldest first."""
    own = select(Alarm).where(Alarm.organisation_id == scope.organisation.id)
    return list(scope.session.scalars(own.order_by(Alarm.raised_at, Alarm.subject).limit(limit)))


def count_alarms(connection: Connection) -> list[AlarmCount]:
    """Count the alarms by organisation and name, in the connection's transaction."""
    connection.execute(SEE_ALL)
    return [AlarmCount(*row) for row in connection.execute(COUNTS)]


class AlarmMetric:
    """The metric ``autonomy_alarms``. It has no samples while the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one sample for each organisation and alarm name."""
        gauge = GaugeMetricFamily(METRIC, "What a person has to look at.", labels=["organisation", "name"])
        try:
            for each in self._database.ask(count_alarms):
                gauge.add_metric([each.organisation_id, each.name], each.count)
        except (SQLAlchemyError, EmbeddedServerError, NoAnswer):
            return
        yield gauge
