"""Which events are meant: by id, outcome, type and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from stripe_payments.models import StripeEvent


@dataclass(frozen=True, slots=True)
class Selection:
    """Events of one organisation; what is None or empty chooses nothing.

    Attributes:
        since, until: times of receipt in UTC, the second one left out.
    """

    ids: tuple[str, ...] = ()
    status: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """What the events' rows fulfil."""
        found: list[ColumnElement[bool]] = []
        if self.ids:
            found.append(StripeEvent.event_id.in_(self.ids))
        if self.status is not None:
            found.append(StripeEvent.status == self.status)
        if self.event_type is not None:
            found.append(StripeEvent.type == self.event_type)
        if self.since is not None:
            found.append(StripeEvent.received_at >= self.since.replace(tzinfo=UTC))
        if self.until is not None:
            found.append(StripeEvent.received_at < self.until.replace(tzinfo=UTC))
        return found


def selected(selection: Selection, *, of: tuple[Any, ...] = (StripeEvent,)) -> Select[Any]:
    """Select events, the newest first.

    Args:
        of: what of them.
    """
    newest = (StripeEvent.received_at.desc(), StripeEvent.event_id.desc())
    return select(*of).where(*selection.conditions()).order_by(*newest)
