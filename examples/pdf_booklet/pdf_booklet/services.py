"""Use cases: to store a booklet, to find it, to remove it and its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from autonomy_core.plugin_api.audit import change, record
from autonomy_core.plugin_api.catalog import require_available
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import (
    ChildFailed,
    LimitReached,
    Limits,
    ServedFile,
    Upload,
    delete_unreferenced,
    keep_upload,
    run_limited,
    store_upload,
    stored_keys,
)
from autonomy_core.plugin_api.grants import owns
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import Identity
from pdf_booklet.domain import PdfFacts
from pdf_booklet.errors import NotABooklet
from pdf_booklet.models import Booklet, UnreferencedFile
from pdf_booklet.settings import BOOKLETS, collect_after

log = structlog.get_logger(__name__)

LIMITS = Limits(cpu_s=10, memory_bytes=800 * 1024 * 1024, wall_s=30)


def put_booklet(scope: TenantScope, product_id: UUID, upload: Upload, *, actor: str) -> Booklet:
    """Make a received file the booklet of a product, instead of the one that it may have.

    Args:
        scope: in no transaction, because an inspection takes long.
        actor: the caller, for the audit trail.

    Raises:
        NotABooklet, StorageUnavailable
    """
    facts = inspect(upload.path)
    key = store_upload(scope, BOOKLETS, upload)
    with scope.begin() as own:
        booklet = _write(own, product_id, key, upload, facts, actor=actor)
        keep_upload(own, BOOKLETS, upload)
    return booklet


def inspect(path: Path) -> PdfFacts:
    """Look into a file, in a limited child process.

    Raises:
        NotABooklet: with the reason.
    """
    try:
        facts = PdfFacts(**run_limited("pdf_booklet.examination:examine", path, LIMITS))
    except LimitReached as error:
        raise NotABooklet(f"The inspection of the file {error}.") from error
    except ChildFailed as error:
        log.error("pdf_booklet.inspection_failed", reason=str(error))  # noqa: TRY400
        raise NotABooklet("The inspection of the file failed.") from error
    if facts.problem is not None:
        raise NotABooklet(facts.problem)
    return facts


def _write(
    scope: TenantScope, product_id: UUID, key: str, upload: Upload, facts: PdfFacts, *, actor: str
) -> Booklet:
    booklet = scope.session.get(Booklet, (scope.organisation.id, product_id), with_for_update=True)
    before = _recorded(booklet)
    if booklet is None:
        booklet = Booklet(organisation_id=scope.organisation.id, product_id=product_id)
        scope.session.add(booklet)
    booklet.storage_key, booklet.sha256, booklet.size = key, upload.sha256, upload.size
    booklet.filename, booklet.pages, booklet.stored_at = upload.filename, facts.pages, utcnow()
    scope.session.flush()
    _record(scope, "pdf_booklet.set", product_id, actor, change(before, _recorded(booklet)))
    return booklet


def _recorded(booklet: Booklet | None) -> dict[str, Any]:
    """What the audit trail says of a booklet; nothing without one."""
    return {} if booklet is None else {"filename": booklet.filename, "sha256": booklet.sha256}


def _record(scope: TenantScope, action: str, product_id: UUID, actor: str, detail: Mapping[str, Any]) -> None:
    record(scope, actor=actor, action=action, target=f"product:{product_id}", detail=detail)


def find_booklet(scope: TenantScope, product_id: UUID) -> Booklet:
    """The booklet of a product.

    Raises:
        NotFound: it has none.
    """
    booklet = scope.session.get(Booklet, (scope.organisation.id, product_id))
    if booklet is None:
        raise NotFound
    return booklet


def owned_booklet(scope: TenantScope, identity: Identity, product_id: UUID) -> Booklet:
    """The booklet of a product that a customer, or the holder of a link, owns now.

    Raises:
        NotFound: they do not own the product, or it has no booklet.
        NotAvailableYet: the product is released later.
    """
    if not owns(scope, identity.id, product_id):
        raise NotFound
    require_available(scope, product_id)
    return find_booklet(scope, product_id)


def remove_booklet(scope: TenantScope, product_id: UUID, *, actor: str) -> None:
    """Take the booklet away from its product. The job ``pdf_booklet.collect`` removes the file later.

    Args:
        scope: the organisation.
        product_id: the product.
        actor: the caller, for the audit trail.

    Raises:
        NotFound: it has none.
    """
    booklet = find_booklet(scope, product_id)
    scope.session.delete(booklet)
    _record(scope, "pdf_booklet.removed", product_id, actor, change(_recorded(booklet), {}))


def file_of(booklet: Booklet) -> ServedFile:
    """The stored file of a booklet."""
    return ServedFile(booklet.storage_key, booklet.size, booklet.sha256, "application/pdf", booklet.stored_at)


def collect(scope: TenantScope) -> None:
    """The job ``pdf_booklet.collect``: remove the files that no booklet refers to."""
    stored = stored_keys(scope, BOOKLETS)
    delete_unreferenced(scope, BOOKLETS, UnreferencedFile, stored, after=collect_after(scope))
