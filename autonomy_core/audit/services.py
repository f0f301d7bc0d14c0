"""Writes the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from autonomy_core.audit.models import AuditEntry
from autonomy_core.audit.origins import origin
from autonomy_core.kernel.scope import TenantScope


def record(
    scope: TenantScope,
    *,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record an action in its transaction.

    Args:
        scope: the organisation, in the transaction of the action.
        actor: ``customer:<id>``, ``member:<customer id>``, ``staff:<key id>``, ``cli:<user>``, ``worker`` …
        action: ``<thing>.<past tense>``, for example ``api_key.issued``.
        target: the object of the action, ``<kind>:<id>``.
        detail: what else is known, for example a `change`, without secrets and personal data. Dates and ids
            become texts.
    """
    scope.session.add(
        AuditEntry(
            organisation_id=scope.organisation.id,
            actor=actor,
            action=action,
            target=target,
            detail=_plain(detail or {}),
            origin=origin(),
        )
    )


def change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the ``detail`` of a change: the values that differ, before and after it.

    Args:
        before: the values before the change, by name; none of a new thing.
        after: the values after it, by name; none of a thing that was removed. A value without a name on the
            other side differs.
    """
    return {
        "before": {name: value for name, value in before.items() if _differs(name, value, after)},
        "after": {name: value for name, value in after.items() if _differs(name, value, before)},
    }


def _differs(name: str, value: Any, others: Mapping[str, Any]) -> bool:
    return name not in others or others[name] != value


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
