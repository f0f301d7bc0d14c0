"""Select events by source, ID, status, type and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from autonomy_core.webhooks.models import WebhookEvent


@dataclass(frozen=True, slots=True)
class Selection:
    """Criteria for events of one organisation; None or empty means no restriction.

    Attributes:
        since: earliest time of receipt in UTC, inclusive.
        until: latest time of receipt in UTC, exclusive.
    """

    source: str | None = None
    ids: tuple[str, ...] = ()
    status: str | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions."""
        found: list[ColumnElement[bool]] = []
        if self.source is not None:
            found.append(WebhookEvent.source == self.source)
        if self.ids:
            found.append(WebhookEvent.event_id.in_(self.ids))
        if self.status is not None:
            found.append(WebhookEvent.status == self.status)
        if self.event_type is not None:
            found.append(WebhookEvent.type == self.event_type)
        if self.since is not None:
            found.append(WebhookEvent.received_at >= self.since.replace(tzinfo=UTC))
        if self.until is not None:
            found.append(WebhookEvent.received_at < self.until.replace(tzinfo=UTC))
        return found


def selected(selection: Selection, *, of: tuple[Any, ...] = (WebhookEvent,)) -> Select[Any]:
    """Select events, newest first.

    Args:
        selection: the criteria.
        of: the selected columns or models.
    """
    newest = (WebhookEvent.received_at.desc(), WebhookEvent.event_id.desc())
    return select(*of).where(*selection.conditions()).order_by(*newest)
