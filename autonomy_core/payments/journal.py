"""The journal of a payment: what happened to it, and cannot be told from its rows as they are now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import JournalEntry

# "raw": sent as it stands, without what the ORM does for inserts of many rows.
_ADD = insert(JournalEntry).execution_options(dml_strategy="raw")


def note_once(scope: TenantScope, payment_id: UUID, kind: str, reference: str, **detail: Any) -> None:
    """`note` something that a provider tells more than once; the payment is locked.

    Args:
        reference: the provider's own id of it.
    """
    if not _is_noted(scope, payment_id, kind, JournalEntry.detail["reference"].astext == reference):
        note(scope, payment_id, kind, reference=reference, **detail)


def note_news(scope: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> None:
    """`note` something that may come again and again and says the same, once; the payment is locked."""
    if not _is_noted(scope, payment_id, kind, JournalEntry.detail == detail):
        note(scope, payment_id, kind, **detail)


def _is_noted(scope: TenantScope, payment_id: UUID, kind: str, says: ColumnElement[bool]) -> bool:
    known = exists().where(
        JournalEntry.organisation_id == scope.organisation.id,
        JournalEntry.payment_id == payment_id,
        JournalEntry.kind == kind,
        says,
    )
    return bool(scope.session.scalar(select(known)))


def note(scope: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> None:
    """Note that something happened to a payment, in the transaction in which it did.

    Args:
        kind: what happened, in the past tense: ``settled``, ``access_revoked`` …
        detail: JSON-serialisable, without secrets. What is None is left out.
    """
    values = {
        "organisation_id": scope.organisation.id,
        "id": uuid7(),
        "payment_id": payment_id,
        "at": utcnow(),
        "kind": kind,
        "detail": {name: value for name, value in detail.items() if value is not None},
    }
    scope.session.execute(_ADD, values)
