"""Services of download codes, for staff."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import with_expression

from autonomy_core.audit.services import change, record
from autonomy_core.codes.domain import GROUP, digest_of, new_code, normalised
from autonomy_core.codes.models import CodeBatch, CodeUse, DownloadCode
from autonomy_core.customers.staff.services import require_no_address
from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.grants.services import environment_of
from autonomy_core.kernel.scope import TenantScope

BATCH_ROWS = 500
"""The number of rows that are written together."""

COLUMNS = ("code", "id", "expires_at")
"""The header of the table of new codes."""


@dataclass(frozen=True, slots=True)
class NewCodes:
    """A batch, and its codes by id, which are not stored."""

    batch: CodeBatch
    codes: Sequence[tuple[UUID, str]]


def make_codes(scope: TenantScope, product_id: UUID, values: dict[str, Any], *, actor: str) -> NewCodes:
    """Make a batch of codes for a product, in the environment in which the organisation sells now.

    Args:
        scope: the organisation; its own transaction is not used, so that no code is shown that is not stored.
        product_id: one of its products.
        values: ``count``, ``label``, ``uses_per_code``, and ``expires_at`` or None.
        actor: the caller, for the audit trail.

    Raises:
        AddressInReason: the label contains an address, which an erasure could not remove.
    """
    require_no_address(values["label"])
    with scope.begin() as own:
        return _make_codes(own, product_id, values, actor)


def _make_codes(scope: TenantScope, product_id: UUID, values: dict[str, Any], actor: str) -> NewCodes:
    key = {"organisation_id": scope.organisation.id, "id": uuid7()}
    of_batch = {"product_id": product_id, "environment": environment_of(scope), "created_by": actor}
    batch = CodeBatch(**key, **of_batch, **values)
    scope.session.add(batch)
    scope.session.flush()
    codes = [(uuid7(), new_code()) for _ in range(batch.count)]
    for some in _in_parts(codes):
        scope.session.execute(insert(DownloadCode), [_row(batch, *each) for each in some])
    detail = {"product": str(product_id), **change({}, values)}
    record(scope, actor=actor, action="codes.made", target=f"code_batch:{batch.id}", detail=detail)
    return NewCodes(batch, codes)


def _in_parts(codes: Sequence[tuple[UUID, str]]) -> Iterator[Sequence[tuple[UUID, str]]]:
    return (codes[start : start + BATCH_ROWS] for start in range(0, len(codes), BATCH_ROWS))


def _row(batch: CodeBatch, code_id: UUID, code: str) -> dict[str, Any]:
    return {
        "organisation_id": batch.organisation_id,
        "id": code_id,
        "batch_id": batch.id,
        "starts_with": code[:GROUP],
        "digest": digest_of(batch.organisation_id, normalised(code) or code),
        "used": 0,
    }


def table_of(new: NewCodes) -> Iterator[bytes]:
    """Yield the table of new codes in CSV (RFC 4180). Nothing in it can be a formula of a spreadsheet."""
    expires_at = new.batch.expires_at.isoformat() if new.batch.expires_at else ""
    yield _lines([COLUMNS])
    for some in _in_parts(new.codes):
        yield _lines((code, str(code_id), expires_at) for code_id, code in some)


def _lines(rows: Any) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def batches_of(product_id: UUID) -> Select[CodeBatch]:
    """Select the batches of a product with their use."""
    of_batch = (DownloadCode.organisation_id == CodeBatch.organisation_id) & (
        DownloadCode.batch_id == CodeBatch.id
    )
    used = select(func.coalesce(func.sum(DownloadCode.used), 0)).where(of_batch).scalar_subquery()
    revoked = (
        select(func.count())
        .select_from(DownloadCode)
        .where(of_batch, DownloadCode.revoked_at.is_not(None))
        .scalar_subquery()
    )
    return (
        select(CodeBatch)
        .where(CodeBatch.product_id == product_id)
        .options(with_expression(CodeBatch.used, used), with_expression(CodeBatch.revoked, revoked))
        .execution_options(populate_existing=True)
    )


def find_batch(scope: TenantScope, product_id: UUID, batch_id: UUID) -> CodeBatch | None:
    """Return a batch of a product with its use, or None."""
    return scope.session.scalars(batches_of(product_id).where(CodeBatch.id == batch_id)).one_or_none()


def codes_of(batch: CodeBatch, starts_with: str | None = None) -> Select[DownloadCode]:
    """Select the codes of a batch, each with its newest use.

    Args:
        batch: the batch.
        starts_with: the first group of characters of a code; None for all codes.
    """
    uses = (CodeUse.organisation_id == DownloadCode.organisation_id) & (CodeUse.code_id == DownloadCode.id)
    newest = [
        select(column).where(uses).order_by(CodeUse.used_at.desc()).limit(1).scalar_subquery()
        for column in (CodeUse.used_at, CodeUse.customer_id)
    ]
    found = (
        select(DownloadCode)
        .where(DownloadCode.batch_id == batch.id)
        .options(
            with_expression(DownloadCode.last_used_at, newest[0]),
            with_expression(DownloadCode.last_customer_id, newest[1]),
        )
        .execution_options(populate_existing=True)
    )
    return found if starts_with is None else found.where(DownloadCode.starts_with == starts_with.upper())


def revoke(
    scope: TenantScope, batch: CodeBatch, code_ids: Collection[UUID] | None, *, actor: str
) -> CodeBatch:
    """Revoke codes that can still be redeemed. What was granted stays. Repeated calls have no effect.

    Args:
        scope: the scope of the organisation.
        batch: the batch.
        code_ids: codes of the batch; None for all. Other ids have no effect.
        actor: the caller, for the audit trail.
    """
    which = (
        (DownloadCode.batch_id == batch.id)
        & DownloadCode.revoked_at.is_(None)
        & (DownloadCode.used < batch.uses_per_code)
    )
    if code_ids is not None:
        which &= DownloadCode.id.in_(code_ids)
    # Locked in one order, so that two calls at once do not wait for each other.
    locked = select(DownloadCode.id).where(which).order_by(DownloadCode.id).with_for_update()
    revoked = scope.session.scalars(locked).all()
    if revoked:
        of_codes = update(DownloadCode).where(DownloadCode.id.in_(revoked))
        scope.session.execute(of_codes.values(revoked_at=utcnow()))
    scope.session.flush()
    find_batch(scope, batch.product_id, batch.id)  # reads its use anew, into the same object
    if revoked:
        named = {} if code_ids is None else {"codes": revoked}
        now = batch.revoked or 0
        detail = {**named, **change({"revoked": now - len(revoked)}, {"revoked": now})}
        record(scope, actor=actor, action="codes.revoked", target=f"code_batch:{batch.id}", detail=detail)
    return batch


def move_uses(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give the redemptions of a customer to another. What both have redeemed stays with the first."""
    theirs = select(CodeUse.code_id).where(CodeUse.customer_id == target_id)
    mine = update(CodeUse).where(CodeUse.customer_id == source_id, CodeUse.code_id.not_in(theirs))
    scope.session.execute(mine.values(customer_id=target_id))
