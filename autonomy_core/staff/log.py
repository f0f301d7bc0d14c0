"""The audit log for staff, with the names of actors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.customers.models import Customer
from autonomy_core.fields import parse_uuid
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.security.models import ApiKey


def entries(
    *,
    actor: str | None = None,
    action: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Select[AuditEntry]:
    """Select entries of the audit log; None means any.

    Args:
        actor, action, target: exact values.
        since: the first moment.
        until: the moment after the last one.
    """
    wanted = {"actor": actor, "action": action, "target": target}
    exact = {name: value for name, value in wanted.items() if value is not None}
    found = select(AuditEntry).filter_by(**exact)
    if since is not None:
        found = found.where(AuditEntry.at >= since)
    return found if until is None else found.where(AuditEntry.at < until)


def with_names(scope: TenantScope, page: Sequence[AuditEntry]) -> list[Mapping[str, Any]]:
    """Return entries for staff, each with the name of the member or of the API key that acted."""
    ids = [each for entry in page if (each := _id_in(entry.actor)) is not None]
    names: dict[UUID, str] = {}
    for model in (Customer, ApiKey):
        found = scope.session.execute(select(model.id, model.name).where(model.id.in_(ids)))
        names |= {row.id: row.name for row in found}
    return [_shown(entry, _name_in(entry.actor, names)) for entry in page]


def _id_in(actor: str) -> UUID | None:
    return parse_uuid(actor.partition(":")[2])


def _name_in(actor: str, names: Mapping[UUID, str]) -> str | None:
    found = _id_in(actor)
    return names.get(found) if found is not None else None


def _shown(entry: AuditEntry, name: str | None) -> Mapping[str, Any]:
    # Plugins choose their own details, and may use these names for something else.
    sides = {key: entry.detail.get(key) for key in ("before", "after")}
    values = {key: value for key, value in sides.items() if isinstance(value, Mapping)}
    return {
        "id": entry.id,
        "at": entry.at,
        "actor": entry.actor,
        "actor_name": name or None,
        "origin": entry.origin,
        "action": entry.action,
        "target": entry.target,
        "before": values.get("before"),
        "after": values.get("after"),
        "detail": {key: value for key, value in entry.detail.items() if key not in values},
    }
