"""Uploads that can be continued, over HTTP: the tus protocol 1.0."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from pyramid.request import Request

from autonomy_core.errors import NotFound, UnsupportedMediaType
from autonomy_core.files.errors import StorageFull, StorageUnavailable, UploadTooLarge, UploadUnfinished
from autonomy_core.files.incoming import incoming_directory
from autonomy_core.files.models import PendingUpload
from autonomy_core.files.room import Usage, usage
from autonomy_core.files.settings import PARTS, max_upload_bytes
from autonomy_core.files.uploads import direct, domain, errors, services
from autonomy_core.files.uploads.pieces import received_piece
from autonomy_core.files.uploads.resources import AdminUpload, AdminUploads
from autonomy_core.files.uploads.schemas import (
    VERSION_HEADER,
    DirectUploadSchema,
    NewDirectUploadSchema,
    StorageUsageSchema,
    UploadSchema,
    header,
)
from autonomy_core.kernel.identity import Permission
from autonomy_core.traversal.resources import Admin
from autonomy_core.web.operations import api_view, expect_large_body
from autonomy_core.web.schemas import PageQuery, page_of, paginate

_EXPIRES: Final = {"Upload-Expires": "when the upload is removed, unless a part arrives or a call uses it"}
_OFFSET: Final = {"Upload-Offset": "how much of the file has arrived, in bytes"}


@api_view(
    context=AdminUploads,
    method="OPTIONS",
    summary="See what the protocol of uploads can do here",
    permission=Permission.READ_CATALOG,
    status=204,
    headers={
        "Tus-Version": "the version of the protocol",
        "Tus-Extension": "its extensions",
        "Tus-Checksum-Algorithm": "the algorithms of `Upload-Checksum`",
        "Tus-Max-Size": "the largest upload, in bytes",
    },
)
def describe_uploads(context: AdminUploads, request: Request) -> None:
    """The core of tus 1.0, and the extensions that `Tus-Extension` names."""
    request.response.headers.update(
        {
            "Tus-Extension": domain.EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(domain.DIGEST_BYTES),
            "Tus-Max-Size": str(max_upload_bytes(context.scope)),
        }
    )


@api_view(
    context=AdminUploads,
    method="POST",
    summary="Begin an upload that can be continued",
    permission=Permission.WRITE_CATALOG,
    status=201,
    # The headers are the input, and a key is compared with a body.
    takes_idempotency_key=False,
    parameters=(
        VERSION_HEADER,
        header("Upload-Length", "the size of the file, in bytes", "1000"),
        header(
            "Upload-Metadata",
            "keys and values in base64; `filename` is the name of the file",
            "filename c29uZy5mbGFj",
        ),
        header("Upload-Concat", "`partial`, or `final;` and the URLs of partial uploads", "partial"),
    ),
    headers={"Location": "the URL of the upload", **_EXPIRES},
    errors=(
        errors.UploadHeaderInvalid,
        errors.UploadVersionUnknown,
        NotFound,
        errors.UploadInTooManyParts,
        UploadTooLarge,
        UploadUnfinished,
        StorageFull,
    ),
)
def begin_upload(context: AdminUploads, request: Request) -> None:
    """The room for the whole file is reserved. Send the file with `PATCH` to the URL in `Location`.

    With `Upload-Concat: final;…`, finished partial uploads become one upload.
    """
    domain.require_version(request.headers, needed=True)
    new = domain.announced(request.headers)
    if new.is_joined:
        path = urlsplit(request.resource_url(context)).path.rstrip("/")
        ids = domain.joined_ids(new.concatenation or "", path)
        upload = services.join_uploads(context.scope, new, ids, actor=request.actor)
    else:
        upload = services.begin_upload(context.scope, new, actor=request.actor)
    request.response.location = request.resource_url(context, str(upload.id))
    _say_expiry(request, upload)


@api_view(
    context=AdminUploads,
    method="GET",
    summary="List the uploads that nothing has used",
    permission=Permission.READ_CATALOG,
    query=PageQuery,
    returns=page_of(UploadSchema),
)
def list_uploads(context: AdminUploads, request: Request) -> dict[str, Any]:
    """Newest first, of all staff: to continue an upload whose URL was lost, or to free its room."""
    return paginate(context.scope.session, services.waiting_uploads(), PendingUpload.id, request.query)


@api_view(
    context=AdminUpload,
    method="GET",
    summary="See how much of an upload has arrived",
    permission=Permission.READ_CATALOG,
    returns=UploadSchema,
    headers={**_OFFSET, "Upload-Length": "the size of the file, in bytes", **_EXPIRES},
    errors=(errors.UploadVersionUnknown,),
)
def get_upload(context: AdminUpload, request: Request) -> PendingUpload:
    """`HEAD` gives the same headers: `Upload-Offset` says where the next `PATCH` begins."""
    domain.require_version(request.headers, needed=False)
    upload = context.upload
    sent = {"Upload-Metadata": upload.metadata_header, "Upload-Concat": upload.concatenation}
    request.response.headers.update({name: value for name, value in sent.items() if value})
    request.response.headers["Upload-Length"] = str(upload.length)
    _say_offset(request, upload)
    return upload


@api_view(
    context=AdminUpload,
    method="PATCH",
    summary="Continue an upload",
    permission=Permission.WRITE_CATALOG,
    status=204,
    takes={domain.STREAM: {"type": "string", "format": "binary"}},
    # Minutes may pass while the part arrives. No database connection is held in that time.
    transaction="none",
    parameters=(
        VERSION_HEADER,
        header("Upload-Offset", "where the part begins, in bytes", "0", required=True),
        header(
            "Upload-Checksum",
            "`sha1` or `sha256`, and the digest of the body in base64",
            "sha1 EfatjsUqKYSrqv18O1FlA3hcIHI=",
        ),
    ),
    headers={**_OFFSET, **_EXPIRES},
    errors=(
        errors.UploadHeaderInvalid,
        errors.UploadVersionUnknown,
        errors.UploadOffsetWrong,
        errors.UploadInTooManyParts,
        errors.UploadIsFinal,
        errors.ChecksumWrong,
        UploadTooLarge,
        StorageUnavailable,
    ),
)
def continue_upload(context: AdminUpload, request: Request) -> None:
    """The body is the next part of the file, of any size.

    If the connection ends before the body does, what has arrived is kept. Ask for the offset with `HEAD`, and
    go on from there. With `Upload-Checksum`, a part is kept only as a whole.
    """
    domain.require_version(request.headers, needed=True)
    if request.content_type != domain.STREAM:
        raise UnsupportedMediaType(f"Send the part as {domain.STREAM}.")
    upload, offset = context.upload, domain.number_in(request.headers, "Upload-Offset")
    checksum = domain.checksum_of(request.headers)
    services.require_offset(upload, offset)
    most = upload.length - offset
    expect_large_body(request, most, keeps_part=True)
    directory = incoming_directory(context.scope, PARTS)
    with received_piece(request.body_file, directory, max_bytes=most, checksum=checksum) as piece:
        upload = services.append_part(context.scope, upload.id, offset, piece)
    _say_offset(request, upload)


@api_view(
    context=AdminUploads,
    method="POST",
    name="direct",
    summary="Begin an upload that goes directly to the store",
    permission=Permission.WRITE_CATALOG,
    body=NewDirectUploadSchema,
    returns=DirectUploadSchema,
    status=201,
    transaction="none",
    errors=(errors.UploadNotDirect, UploadTooLarge, StorageFull, StorageUnavailable),
)
def begin_direct_upload(context: AdminUploads, request: Request) -> direct.DirectUpload:
    """Where the organisation's store is S3. Send each part to its URL, then complete the upload."""
    filename, length = (request.validated[name] for name in ("filename", "length"))
    return direct.begin_direct_upload(context.scope, filename, length, actor=request.actor)


@api_view(
    context=AdminUpload,
    method="GET",
    name="parts",
    summary="Get new URLs for the parts of a direct upload",
    permission=Permission.WRITE_CATALOG,
    returns=DirectUploadSchema,
    transaction="none",
    errors=(errors.UploadNotDirect, StorageUnavailable),
)
def list_missing_parts(context: AdminUpload, request: Request) -> direct.DirectUpload:
    """Only of those that have not arrived."""
    return direct.missing_parts(context.scope, context.upload)


@api_view(
    context=AdminUpload,
    method="POST",
    name="complete",
    summary="Complete a direct upload",
    permission=Permission.WRITE_CATALOG,
    returns=UploadSchema,
    transaction="none",
    errors=(errors.UploadNotDirect, UploadUnfinished, StorageUnavailable),
)
def complete_upload(context: AdminUpload, request: Request) -> PendingUpload:
    """The server asks the store which parts it has, and joins them. To complete again does nothing."""
    return direct.complete_direct_upload(context.scope, context.upload)


@api_view(
    context=AdminUpload,
    method="DELETE",
    summary="Remove an upload",
    permission=Permission.WRITE_CATALOG,
    status=204,
    errors=(errors.UploadVersionUnknown,),
)
def remove_upload(context: AdminUpload, request: Request) -> None:
    """The room that it takes is free at once."""
    domain.require_version(request.headers, needed=False)
    services.remove_upload(context.scope, context.upload.id, actor=request.actor)


@api_view(
    context=AdminUploads,
    method="GET",
    name="usage",
    summary="See how much the organisation stores",
    permission=Permission.READ_CATALOG,
    returns=StorageUsageSchema,
)
def get_storage_usage(context: AdminUploads, request: Request) -> Usage:
    """All files of the organisation, and what its limit is."""
    return usage(context.scope)


def _say_offset(request: Request, upload: PendingUpload) -> None:
    request.response.headers["Upload-Offset"] = str(upload.received)
    _say_expiry(request, upload)


def _say_expiry(request: Request, upload: PendingUpload) -> None:
    request.response.headers["Upload-Expires"] = domain.http_date(upload.expires_at)


def includeme(config: Any) -> None:
    """Add uploads to the resource tree."""
    config.add_child(Admin, "uploads", AdminUploads)
    config.scan(__name__)
