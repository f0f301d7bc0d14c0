"""How deliveries fare: counted in memory, because anybody can cause a refusal, and written every few seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.domain import Environment
from stripe_payments.models import StripeDeliveries

UNKNOWN: Literal["unknown"] = "unknown"
"""The environment of what no secret verifies."""

KEPT_DAYS = 90

Key = tuple[str, date]
"""Environment and day, in UTC."""


@dataclass(slots=True)
class Tally:
    """What was counted."""

    verified: int = 0
    refused: int = 0
    last_verified_at: datetime | None = None
    last_refused_at: datetime | None = None


class Deliveries:
    """Counts by organisation, environment and day; see `autonomy_core.plugin_api.protocols.Flush`."""

    name = "stripe_payments.events.deliveries"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, dict[Key, Tally]] = {}

    def count_verified(self, organisation_id: str, environment: Environment) -> None:
        """Count a delivery whose signature is good."""
        now = datetime.now(UTC)
        with self._lock:
            tally = self._tally(organisation_id, (environment, now.date()))
            tally.verified += 1
            tally.last_verified_at = now

    def count_refused(self, organisation_id: str) -> None:
        """Count a delivery whose signature is not, for the organisation that it was addressed to."""
        now = datetime.now(UTC)
        with self._lock:
            tally = self._tally(organisation_id, (UNKNOWN, now.date()))
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
            for (environment, day), tally in taken.items():
                _add(scope, environment, day, tally)
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


def _add(scope: TenantScope, environment: str, day: date, tally: Tally) -> None:
    new = insert(StripeDeliveries).values(
        organisation_id=scope.organisation.id,
        environment=environment,
        day=day,
        verified=tally.verified,
        refused=tally.refused,
        last_verified_at=tally.last_verified_at,
        last_refused_at=tally.last_refused_at,
    )
    added = {
        name: StripeDeliveries.__table__.c[name] + new.excluded[name] for name in ("verified", "refused")
    }
    # PostgreSQL's GREATEST passes over NULL.
    latest = {
        name: func.greatest(StripeDeliveries.__table__.c[name], new.excluded[name])
        for name in ("last_verified_at", "last_refused_at")
    }
    key = ["organisation_id", "environment", "day"]
    scope.session.execute(new.on_conflict_do_update(index_elements=key, set_=added | latest))


def _remove_old(scope: TenantScope) -> None:
    own = StripeDeliveries.organisation_id == scope.organisation.id
    old = StripeDeliveries.day < datetime.now(UTC).date() - timedelta(days=KEPT_DAYS)
    scope.session.execute(delete(StripeDeliveries).where(own, old))


@dataclass(frozen=True, slots=True)
class Record:
    """What was counted in an environment, or without one, in some days."""

    verified: int
    refused: int
    last_verified_at: datetime | None
    last_refused_at: datetime | None


def record_of(scope: TenantScope, environment: str, *, days: int) -> Record:
    """What was counted lately.

    Args:
        environment: or `UNKNOWN`, for what was refused.
        days: how many, today included. The times are those of all that is kept.
    """
    recent = StripeDeliveries.day > datetime.now(UTC).date() - timedelta(days=days)
    counted = (
        func.coalesce(func.sum(column).filter(recent), 0)
        for column in (StripeDeliveries.verified, StripeDeliveries.refused)
    )
    row: Any = scope.session.execute(
        select(
            *counted, func.max(StripeDeliveries.last_verified_at), func.max(StripeDeliveries.last_refused_at)
        ).where(
            StripeDeliveries.organisation_id == scope.organisation.id,
            StripeDeliveries.environment == environment,
        )
    ).one()
    return Record(*row)
