"""Use cases of extras."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, func, select

from autonomy_core.plugin_api.audit import change, record
from autonomy_core.plugin_api.catalog import require_available
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import (
    ChildFailed,
    LimitReached,
    Limits,
    ServedFile,
    Upload,
    keep_upload,
    run_limited,
    store_upload,
)
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.payments import bought_at
from autonomy_core.plugin_api.protocols import ListedExtra
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.texts import cleaned
from media_mp3.archives.checksums import checksum_of_file, keep_checksum
from media_mp3.editing import lock_product
from media_mp3.extras.domain import FORMATS, LONGEST_TITLE, MOST_EVER, MOST_EXTRAS, describe
from media_mp3.extras.errors import ExtraExists, ExtraRefused, TooManyExtras
from media_mp3.extras.models import Extra
from media_mp3.settings import EXTRAS

log = structlog.get_logger(__name__)

LIMITS: Final = Limits(cpu_s=10, memory_bytes=400 * 1024 * 1024, wall_s=30.0)


def extras_of(scope: TenantScope, product_id: UUID) -> Sequence[Extra]:
    """A product's extras, also removed ones, in the order in which they were uploaded."""
    statement = select(Extra).where(Extra.product_id == product_id).order_by(Extra.id)
    return scope.session.scalars(statement).all()


def listed_extras(scope: TenantScope, product_ids: Collection[UUID]) -> dict[UUID, list[ListedExtra]]:
    """The extras that visitors see, by product."""
    present = (Extra.product_id.in_(product_ids), Extra.removed_at.is_(None))
    found: dict[UUID, list[ListedExtra]] = {}
    for extra in scope.session.scalars(select(Extra).where(*present).order_by(Extra.id)):
        found.setdefault(extra.product_id, []).append(ListedExtra(extra.title, extra.format, extra.size))
    return found


def owned_extras(scope: TenantScope, customer_id: UUID, product_id: UUID) -> Sequence[Extra]:
    """The extras that a customer gets with a product.

    Raises:
        NotFound: the customer does not own the product.
    """
    since = bought_at(scope, customer_id, product_id)
    if since is None:
        raise NotFound
    return [extra for extra in extras_of(scope, product_id) if extra.belongs_to_purchase_of(since)]


def find_extra(scope: TenantScope, extra_id: UUID) -> Extra | None:
    """An extra of this organisation, or None."""
    return scope.session.get(Extra, (scope.organisation.id, extra_id))


def require_owner(scope: TenantScope, customer_id: UUID, extra: Extra) -> None:
    """Make sure that a customer gets an extra now.

    Raises:
        NotFound: the customer does not own the product, or bought it after the extra was removed.
        NotAvailableYet: the product is released later.
    """
    since = bought_at(scope, customer_id, extra.product_id)
    if since is None or not extra.belongs_to_purchase_of(since):
        raise NotFound
    require_available(scope, extra.product_id)


def file_of(extra: Extra) -> ServedFile:
    """The stored file of an extra."""
    media_type = FORMATS[extra.format].media_type
    return ServedFile(extra.storage_key, extra.size, extra.sha256, media_type, extra.created_at)


def add_extra(
    scope: TenantScope, product_id: UUID, upload: Upload, title: str | None, *, actor: str
) -> Extra:
    """Inspect a received file, store it, and add it to a product.

    Args:
        scope: in no transaction, so that no connection is held while the file is inspected and stored.
        title: for people; None for the name of the file.
        actor: the caller, for the audit trail.

    Raises:
        ExtraRefused, ExtraExists, TooManyExtras, StorageUnavailable
    """
    format_name = _accepted(upload.path)
    crc32 = checksum_of_file(upload.path)
    key = store_upload(scope, EXTRAS, upload)
    with scope.begin() as own:
        lock_product(own, product_id)
        _require_place(own, product_id, upload.sha256)
        extra = Extra(
            organisation_id=own.organisation.id,
            product_id=product_id,
            title=title or cleaned(PurePath(upload.filename).stem, LONGEST_TITLE) or "Untitled",
            format=format_name,
            size=upload.size,
            sha256=upload.sha256,
            storage_key=key,
            filename=upload.filename,
        )
        own.session.add(extra)
        own.session.flush()
        added = {name: getattr(extra, name) for name in ("title", "format", "size", "sha256", "filename")}
        _record(own, "extra.added", extra, actor, change({}, added))
        keep_checksum(own, key, crc32)
        keep_upload(own, EXTRAS, upload)
    return extra


def _accepted(path: Path) -> str:
    """The format of a file that may come with a product, by its content.

    Raises:
        ExtraRefused: with the reason.
    """
    try:
        found = run_limited("media_mp3.extras.inspection:examine", path, LIMITS)
        code = found["finding"]
    except LimitReached:
        code = "inspection_limit"
    except ChildFailed as error:
        log.error("media_mp3.extra_inspection_failed", reason=str(error))  # noqa: TRY400
        code = "unreadable"
    if code is not None:
        raise ExtraRefused("The reason is in findings.", extra={"findings": [describe(code)]})
    return str(found["format"])


def _require_place(scope: TenantScope, product_id: UUID, sha256: str) -> None:
    """Make sure that a product may get a further extra. The caller has locked the product."""
    present = (Extra.product_id == product_id, Extra.removed_at.is_(None))
    same = scope.session.scalar(select(Extra.id).where(*present, Extra.sha256 == sha256))
    if same is not None:
        raise ExtraExists(f"It is the extra {same}.", extra={"extra_id": str(same)})
    if _count(scope, *present) >= MOST_EXTRAS:
        raise TooManyExtras(f"A product has at most {MOST_EXTRAS}; put several files into a ZIP.")
    if _count(scope, Extra.product_id == product_id) >= MOST_EVER:
        raise TooManyExtras(f"A product has at most {MOST_EVER} with those that were removed.")


def _count(scope: TenantScope, *conditions: ColumnElement[bool]) -> int:
    return scope.session.scalar(select(func.count()).select_from(Extra).where(*conditions)) or 0


def rename_extra(scope: TenantScope, extra: Extra, title: str, *, actor: str) -> Extra:
    """Give an extra another title."""
    before = {"title": extra.title}
    extra.title = title
    scope.session.flush()
    _record(scope, "extra.changed", extra, actor, change(before, {"title": title}))
    return extra


def remove_extra(scope: TenantScope, extra: Extra, *, actor: str) -> None:
    """Take an extra away from later buyers. To remove it again does nothing.

    Customers who began to buy the product before the removal keep it.
    """
    lock_product(scope, extra.product_id)
    scope.session.refresh(extra)
    if extra.removed_at is None:
        extra.removed_at = utcnow()
        scope.session.flush()
        _record(scope, "extra.removed", extra, actor, change({"removed": False}, {"removed": True}))


def _record(scope: TenantScope, action: str, extra: Extra, actor: str, detail: dict[str, Any]) -> None:
    known = {"product": str(extra.product_id), **detail}
    record(scope, actor=actor, action=action, target=f"extra:{extra.id}", detail=known)
