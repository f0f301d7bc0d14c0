"""Writing the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from autonomy_core.audit.models import AuditEntry


def record(
    session: Session,
    organisation_id: str,
    *,
    actor: str,
    action: str,
    target: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record an act in the transaction that does it.

    Args:
        actor: ``customer:<id>``, ``api_key:<id>``, ``cli:<user>``, ``worker`` …
        action: what was done, ``<thing>.<past tense>``.
        target: to what, ``<kind>:<id>``.
        detail: JSON-serialisable, without secrets.
    """
    session.add(
        AuditEntry(
            organisation_id=organisation_id,
            actor=actor,
            action=action,
            target=target,
            detail=dict(detail or {}),
        )
    )
