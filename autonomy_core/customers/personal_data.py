"""What the tables of customers themselves keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from autonomy_core.customers.models import CustomerNote
from autonomy_core.customers.schemas import CustomerExportSchema, NoteSchema
from autonomy_core.customers.services import find_customer
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the customer's row, and the notes of staff."""
    yield "customer.json", CustomerExportSchema().dump(find_customer(scope, customer_id))
    notes = select(CustomerNote).where(CustomerNote.customer_id == customer_id).order_by(CustomerNote.id)
    yield "notes.json", NoteSchema(many=True).dump(scope.session.scalars(notes))


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Delete the notes. The core empties the customer's row after everything else."""
    scope.session.execute(delete(CustomerNote).where(CustomerNote.customer_id == customer_id))


PERSONAL_DATA = PersonalData("customers", export, erase)
