"""Use cases of images: to give a thing an image, to take it away, to find it and its files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.audit.services import change, record
from autonomy_core.db.base import among, utcnow
from autonomy_core.errors import NotFound
from autonomy_core.files.errors import StorageUnavailable
from autonomy_core.files.room import use_room
from autonomy_core.files.services import ServedFile, keep_upload, key_of, open_file, store_upload
from autonomy_core.files.upload import Upload
from autonomy_core.images import domain, processing
from autonomy_core.images.domain import FINDINGS, Finding, ProcessedImage, describe
from autonomy_core.images.errors import NoImage
from autonomy_core.images.models import IS_USED, ImageRendition, ImageUse, StoredImage
from autonomy_core.images.settings import IMAGES
from autonomy_core.kernel.product_events import ImageChanged
from autonomy_core.kernel.scope import TenantScope, forbid_commit

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CurrentImage:
    """The image that a thing has now.

    Attributes:
        digest: identifies the image; part of its URLs.
        width: of the full size, in pixels.
        height: likewise.
        colour: the most frequent colour, ``#rrggbb``.
        alt: the text for people who do not see it; None for the title of the thing.
        size: of all its files together, in bytes.
        warnings: for an answer of the API, each with its meaning and a remedy.
        set_at: when the thing got it, aware.
    """

    digest: str
    width: int
    height: int
    colour: str
    alt: str | None
    size: int
    warnings: list[dict[str, Any]]
    set_at: datetime


def put_image(
    scope: TenantScope, subject: str, subject_id: UUID, upload: Upload, *, alt: str | None, actor: str
) -> CurrentImage:
    """Inspect a received file, and give it to a thing as its image, instead of the one that it may have.

    Args:
        scope: in no transaction, because the processing may take seconds.
        subject: the kind of thing: ``product``, or ``<plugin>.<kind>``.
        subject_id: its id. The caller has made sure that it exists.
        upload: what `receive_upload` gave.
        alt: the text for people who do not see the image; None for the title of the thing.
        actor: the caller, for the audit trail.

    Raises:
        ImageRefused, ImagesBusy, StorageFull, StorageUnavailable
    """
    image = processing.accepted(scope, upload.path)
    digest = image.digest
    with _as_uploads(image, upload.path.parent) as files:
        for file in files:
            store_upload(scope, IMAGES, file)
        with scope.begin() as own:
            _write_image(own, digest, image)
            before = _recorded(_find_use(own, subject, subject_id))
            _write_use(own, subject, subject_id, digest, alt)
            detail = change(before, {"digest": digest, "alt": alt})
            # Before the locks of room and files: who uploads to a product locks the product before these.
            _tell(own, subject, subject_id, "image.set", detail, actor=actor)
            use_room(own, upload)
            for file in files:
                keep_upload(own, IMAGES, file)
            return image_of(own, subject, subject_id)


@contextmanager
def _as_uploads(image: ProcessedImage, directory: Path) -> Iterator[list[Upload]]:
    """The sizes as files, in the order of their keys, in which all transactions lock them."""
    found: dict[str, Upload] = {}
    try:
        _write_files(image, directory, found)
        yield [found[sha256] for sha256 in sorted(found)]
    finally:
        for upload in found.values():
            upload.path.unlink(missing_ok=True)


def _write_files(image: ProcessedImage, directory: Path, found: dict[str, Upload]) -> None:
    try:
        for rendition in image.renditions:
            if (sha256 := rendition.sha256) not in found:
                # `incoming.remove_abandoned` removes files with this prefix after a crash.
                descriptor, name = tempfile.mkstemp(prefix="upload-", dir=directory)
                found[sha256] = Upload(Path(name), sha256, len(rendition.content), sha256, {})
                with os.fdopen(descriptor, "wb") as file:
                    file.write(rendition.content)
    except OSError as error:
        log.exception("images.not_written")
        raise StorageUnavailable("The sizes of the image could not be written.") from error


def _write_image(scope: TenantScope, digest: str, image: ProcessedImage) -> None:
    organisation_id = scope.organisation.id
    statement = insert(StoredImage).values(
        organisation_id=organisation_id,
        digest=digest,
        width=image.width,
        height=image.height,
        colour=image.colour,
        size=sum(len(one.content) for one in image.renditions),
        warnings=[{"code": one.code, "detail": dict(one.detail)} for one in image.warnings],
        stored_at=utcnow(),
    )
    # The update locks the row against the job that removes unused images.
    key = [StoredImage.organisation_id, StoredImage.digest]
    scope.session.execute(statement.on_conflict_do_update(index_elements=key, set_={"unused_since": None}))
    rows = [
        {
            "organisation_id": organisation_id,
            "digest": digest,
            "name": one.name,
            "media_type": one.media_type,
            "sha256": one.sha256,
            "size": len(one.content),
            "storage_key": key_of(scope, IMAGES, one.sha256),
        }
        for one in image.renditions
    ]
    scope.session.execute(insert(ImageRendition).values(rows).on_conflict_do_nothing())


def _write_use(scope: TenantScope, subject: str, subject_id: UUID, digest: str, alt: str | None) -> None:
    values = {"digest": digest, "alt": alt, "set_at": utcnow()}
    statement = insert(ImageUse).values(
        organisation_id=scope.organisation.id, subject=subject, subject_id=subject_id, **values
    )
    key = [ImageUse.organisation_id, ImageUse.subject, ImageUse.subject_id]
    scope.session.execute(statement.on_conflict_do_update(index_elements=key, set_=values))


def images_of(scope: TenantScope, subject: str, subject_ids: Collection[UUID]) -> Mapping[UUID, CurrentImage]:
    """The images of things of one kind, by their ids, in one query. Things without an image are left out."""
    if not subject_ids:
        return {}
    statement = (
        select(ImageUse, StoredImage)
        .join(
            StoredImage,
            (StoredImage.organisation_id == ImageUse.organisation_id)
            & (StoredImage.digest == ImageUse.digest),
        )
        .where(ImageUse.subject == subject, among(ImageUse.subject_id, subject_ids))
        .execution_options(populate_existing=True)
    )
    return {use.subject_id: _current(use, image) for use, image in scope.session.execute(statement)}


def image_of(scope: TenantScope, subject: str, subject_id: UUID) -> CurrentImage:
    """The image of a thing.

    Raises:
        NoImage: it has none.
    """
    found = images_of(scope, subject, [subject_id])
    if not found:
        raise NoImage
    return found[subject_id]


def _current(use: ImageUse, image: StoredImage) -> CurrentImage:
    known = [Finding(one["code"], one["detail"]) for one in image.warnings if one["code"] in FINDINGS]
    return CurrentImage(
        digest=image.digest,
        width=image.width,
        height=image.height,
        colour=image.colour,
        alt=use.alt,
        size=image.size,
        warnings=[describe(one) for one in known],
        set_at=use.set_at,
    )


def change_alt(
    scope: TenantScope, subject: str, subject_id: UUID, alt: str | None, *, actor: str
) -> CurrentImage:
    """Change the text for people who do not see the image of a thing.

    Raises:
        NoImage: it has none.
    """
    use = _use(scope, subject, subject_id)
    before = _recorded(use)
    use.alt = alt
    scope.session.flush()
    detail = change(before, _recorded(use))
    _tell(scope, subject, subject_id, "image.changed", detail, actor=actor)
    return image_of(scope, subject, subject_id)


def remove_image(scope: TenantScope, subject: str, subject_id: UUID, *, actor: str) -> None:
    """Take the image away from a thing. Its URLs work until the job ``images.collect`` removes the image.

    Raises:
        NoImage: it has none.
    """
    use = _use(scope, subject, subject_id)
    detail = change(_recorded(use), {})
    scope.session.delete(use)
    scope.session.flush()
    _tell(scope, subject, subject_id, "image.removed", detail, actor=actor)


def forget_images(scope: TenantScope, subject: str, subject_ids: Collection[UUID]) -> None:
    """Take the images away from things that are deleted, in the same transaction. They may have none."""
    if subject_ids:
        scope.session.execute(
            delete(ImageUse).where(ImageUse.subject == subject, ImageUse.subject_id.in_(subject_ids))
        )


def _use(scope: TenantScope, subject: str, subject_id: UUID) -> ImageUse:
    found = _find_use(scope, subject, subject_id)
    if found is None:
        raise NoImage
    return found


def _find_use(scope: TenantScope, subject: str, subject_id: UUID) -> ImageUse | None:
    key = (scope.organisation.id, subject, subject_id)
    return scope.session.get(ImageUse, key, with_for_update=True)


def _recorded(use: ImageUse | None) -> dict[str, str | None]:
    """Return what the audit trail says of an image; nothing without one."""
    return {} if use is None else {"digest": use.digest, "alt": use.alt}


def _tell(
    scope: TenantScope,
    subject: str,
    subject_id: UUID,
    action: str,
    detail: Mapping[str, Mapping[str, Any]],
    *,
    actor: str,
) -> None:
    """Record a `change` in the audit trail, and call the hook `on_image_changed`."""
    record(scope, actor=actor, action=action, target=f"{subject}:{subject_id}", detail=detail)
    if changed := frozenset({*detail["before"], *detail["after"]}):
        with forbid_commit(scope):
            scope.hooks.call("on_image_changed", ImageChanged(scope, subject, subject_id, changed))


def file_of(scope: TenantScope, digest: str, wanted: str, media_type: str) -> ServedFile:
    """The stored file of one size of an image: the full size if the image does not reach the wanted one.

    Args:
        digest: of the image.
        wanted: one of `domain.SIZE_NAMES`.
        media_type: of the file.

    Raises:
        NotFound: there is no such image.
    """
    statement = (
        select(ImageRendition)
        .where(
            ImageRendition.digest == digest,
            ImageRendition.media_type == media_type,
            ImageRendition.name.in_({wanted, domain.FULL}),
        )
        .order_by(ImageRendition.name == domain.FULL)
    )
    found = scope.session.scalars(statement).first()
    if found is None:
        raise NotFound
    return ServedFile(found.storage_key, found.size, found.sha256, found.media_type)


def jpeg_of(scope: TenantScope, subject: str, subject_id: UUID, *, largest: int) -> bytes | None:
    """The image of a thing as a JPEG file, for example to embed it into a recording.

    Args:
        largest: the longest side that is wanted, in pixels. The smallest size is given if none fits.

    Returns:
        The bytes of the largest size that fits; None if the thing has no image.

    Raises:
        StorageUnavailable: the file is missing or cannot be read.
    """
    found = images_of(scope, subject, [subject_id]).get(subject_id)
    if found is None:
        return None
    name = domain.largest_within(largest, found.width, found.height)
    file = file_of(scope, found.digest, name, domain.JPEG)
    return b"".join(open_file(scope, IMAGES, file.key, 0, file.size - 1, wrap=None))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the images of an organisation take.

    Attributes:
        images: how many images there are.
        bytes: of all their sizes together.
        unused_images: how many of them nothing has; the job ``images.collect`` removes them.
        unused_bytes: of these.
    """

    images: int
    bytes: int
    unused_images: int
    unused_bytes: int


def usage(scope: TenantScope) -> Usage:
    """Count the images of the organisation."""
    total = func.coalesce(func.sum(StoredImage.size), 0)
    row = scope.session.execute(
        select(
            func.count(),
            total,
            func.count().filter(~IS_USED),
            func.coalesce(func.sum(StoredImage.size).filter(~IS_USED), 0),
        ).select_from(StoredImage)
    ).one()
    return Usage(*map(int, row))
