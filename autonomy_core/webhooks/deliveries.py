"""Counts of deliveries, kept in memory and written every few seconds: any caller can cause a refusal."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.kernel.scope import TenantScope
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks.models import WebhookDeliveries

UNKNOWN: Literal["unknown"] = "unknown"
"""The environment of deliveries that no secret verifies."""

KEPT_DAYS = 90

Key = tuple[str, str, date]
"""Source, environment and day, in UTC."""


@dataclass(slots=True)
class Tally:
    """Counts of one day, with the times of the last deliveries."""

    verified: int = 0
    refused: int = 0
    last_verified_at: datetime | None = None
    last_refused_at: datetime | None = None


class Deliveries:
    """Counts by organisation, source, environment and day; see `autonomy_core.plugin_api.protocols.Flush`."""

    name = "webhooks.deliveries"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, dict[Key, Tally]] = {}

    def count_verified(self, organisation_id: str, source: str, environment: Environment) -> None:
        """Count a delivery with a valid signature."""
        now = datetime.now(UTC)
        with self._lock:
            tally = self._tally(organisation_id, (source, environment, now.date()))
            tally.verified += 1
            tally.last_verified_at = now

    def count_refused(self, organisation_id: str, source: str) -> None:
        """Count a delivery with an invalid signature, for the organisation in the URL."""
        now = datetime.now(UTC)
        with self._lock:
            tally = self._tally(organisation_id, (source, UNKNOWN, now.date()))
            tally.refused += 1
            tally.last_refused_at = now

    def waiting(self) -> Iterable[str]:
        """The organisations with counts that are not written yet."""
        with self._lock:
            return tuple(self._tallies)

    def write(self, scope: TenantScope) -> None:
        """Add the organisation's counts to its rows, and remove old ones."""
        with self._lock:
            taken = self._tallies.pop(scope.organisation.id, {})
        try:
            for key, tally in taken.items():
                _add(scope, key, tally)
            _remove_old(scope)
        except Exception:
            self._give_back(scope.organisation.id, taken)
            raise

    def _tally(self, organisation_id: str, key: Key) -> Tally:
        return self._tallies.setdefault(organisation_id, {}).setdefault(key, Tally())

    def _give_back(self, organisation_id: str, taken: dict[Key, Tally]) -> None:
        with self._lock:
            for key, tally in taken.items():
                newer = self._tally(organisation_id, key)
                newer.verified += tally.verified
                newer.refused += tally.refused
                newer.last_verified_at = newer.last_verified_at or tally.last_verified_at
                newer.last_refused_at = newer.last_refused_at or tally.last_refused_at


DELIVERIES = Deliveries()
"""The counts of this process."""


def _add(scope: TenantScope, key: Key, tally: Tally) -> None:
    source, environment, day = key
    new = insert(WebhookDeliveries).values(
        organisation_id=scope.organisation.id,
        source=source,
        environment=environment,
        day=day,
        verified=tally.verified,
        refused=tally.refused,
        last_verified_at=tally.last_verified_at,
        last_refused_at=tally.last_refused_at,
    )
    added = {
        name: WebhookDeliveries.__table__.c[name] + new.excluded[name] for name in ("verified", "refused")
    }
    # PostgreSQL's GREATEST ignores NULL.
    latest = {
        name: func.greatest(WebhookDeliveries.__table__.c[name], new.excluded[name])
        for name in ("last_verified_at", "last_refused_at")
    }
    columns = ["organisation_id", "source", "environment", "day"]
    scope.session.execute(new.on_conflict_do_update(index_elements=columns, set_=added | latest))


def _remove_old(scope: TenantScope) -> None:
    own = WebhookDeliveries.organisation_id == scope.organisation.id
    old = WebhookDeliveries.day < datetime.now(UTC).date() - timedelta(days=KEPT_DAYS)
    scope.session.execute(delete(WebhookDeliveries).where(own, old))


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """Counts of an environment, or of `UNKNOWN`, over some days."""

    verified: int
    refused: int
    last_verified_at: datetime | None
    last_refused_at: datetime | None


def count_deliveries(scope: TenantScope, source: str, environment: str, *, days: int) -> DeliveryCounts:
    """Return the counts of the last days.

    Args:
        scope: the organisation.
        source: the name of the source.
        environment: or `UNKNOWN` for refused deliveries.
        days: the number of days, including today. The times of the last deliveries may be older.
    """
    recent = WebhookDeliveries.day > datetime.now(UTC).date() - timedelta(days=days)
    counted = (
        func.coalesce(func.sum(column).filter(recent), 0)
        for column in (WebhookDeliveries.verified, WebhookDeliveries.refused)
    )
    row: Any = scope.session.execute(
        select(
            *counted,
            func.max(WebhookDeliveries.last_verified_at),
            func.max(WebhookDeliveries.last_refused_at),
        ).where(
            WebhookDeliveries.organisation_id == scope.organisation.id,
            WebhookDeliveries.source == source,
            WebhookDeliveries.environment == environment,
        )
    ).one()
    return DeliveryCounts(*row)
