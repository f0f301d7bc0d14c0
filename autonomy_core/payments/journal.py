"""The journal of a payment: past events that its current rows do not show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.payments.models import JournalEntry

# "raw" sends the statement as it is, without the ORM's processing for inserts of many rows.
_ADD = insert(JournalEntry).execution_options(dml_strategy="raw")


def append_unless_known(
    scope: TenantScope, payment_id: UUID, kind: str, reference: str, **detail: Any
) -> None:
    """Append an entry unless an entry of its kind has the same reference.

    A provider may repeat a report. The caller holds the lock on the payment.

    Args:
        scope: the organisation.
        payment_id: the payment.
        kind: what happened, see `append`.
        reference: the provider's id of the fact.
        detail: see `append`.
    """
    if not _has_entry(scope, payment_id, kind, JournalEntry.detail["reference"].astext == reference):
        append(scope, payment_id, kind, reference=reference, **detail)


def append_if_new(scope: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> None:
    """Append an entry unless an entry of its kind has the same detail.

    The caller holds the lock on the payment.
    """
    if not _has_entry(scope, payment_id, kind, JournalEntry.detail == detail):
        append(scope, payment_id, kind, **detail)


def _has_entry(scope: TenantScope, payment_id: UUID, kind: str, says: ColumnElement[bool]) -> bool:
    known = exists().where(
        JournalEntry.organisation_id == scope.organisation.id,
        JournalEntry.payment_id == payment_id,
        JournalEntry.kind == kind,
        says,
    )
    return bool(scope.session.scalar(select(known)))


def append(scope: TenantScope, payment_id: UUID, kind: str, **detail: Any) -> None:
    """Append an event of a payment, in the transaction in which it happens.

    Args:
        scope: the organisation.
        payment_id: the payment.
        kind: what happened, in the past tense: ``settled``, ``access_revoked`` …
        detail: JSON-serialisable, without secrets. Members that are None are omitted.
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
