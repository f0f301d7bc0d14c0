"""Answers with a stored file, or a part of it (RFC 9110, section 14).

`ranges` decides which bytes, and `services` opens the file. `edge.answer` sends it, or another server that
`delivery` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeGuard
from uuid import UUID

import structlog
from marshmallow import Schema
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.addresses import is_within
from autonomy_core.errors import AutonomyError
from autonomy_core.files.area import FileArea
from autonomy_core.files.assembly import AssembledBody, AssembledFile, StoredPart, slices
from autonomy_core.files.delivery import Found, delivery_of, find, hand_over
from autonomy_core.files.errors import PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
from autonomy_core.files.ranges import Decision, Representation, decide
from autonomy_core.files.services import (
    ServedFile,
    open_file,
    require_own,
    storage_of,
    unavailable_if_unreadable,
)
from autonomy_core.kernel.delivery import FileDelivery, Handover, Redirect
from autonomy_core.kernel.events import DownloadStarted
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.web.operations import Details

log = structlog.get_logger(__name__)


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "description": description, "schema": {"type": "string"}}


def file_details(
    media_type: str,
    description: str,
    *,
    query: type[Schema] | None = None,
    errors: Sequence[type[AutonomyError]] = (),
) -> Details:
    """The details that a view gives `api_view` if it returns `answer_with_file`.

    Use it as ``**file_details("application/pdf", "the score")``.

    Args:
        media_type: the Content-Type.
        description: what the file is, for the API's description.
        query: `LinkQuery` if the call can be opened by a signed link.
        errors: further errors that the call may answer.
    """
    details: Details = {
        "media": {media_type: description},
        "also": {206: None, 302: None, 304: None},
        "errors": (PreconditionFailed, RangeNotSatisfiable, StorageUnavailable, *errors),
        "parameters": (
            _header("Range", "one range of bytes; several are answered with the whole"),
            _header("If-Range", "the `ETag` of the part that you have: another file is then sent whole"),
            _header("If-None-Match", "the `ETag` that you have: 304 if it is still right"),
        ),
        "headers": {"ETag": "strong; the SHA-256 of the file", "Accept-Ranges": "`bytes`"},
    }
    if query is not None:
        details["query"] = query
    return details


@dataclass(frozen=True, slots=True)
class Download:
    """What a buyer downloads or hears, for the hook ``on_download``.

    Attributes:
        customer_id: the customer who owns the product.
        product_id: the product.
        item_id: what of the product; None for the whole.
        purpose: ``stream`` for a player, ``download`` for a file to keep.
        contents: see `DownloadStarted`.
    """

    customer_id: UUID
    product_id: UUID
    item_id: UUID | None
    purpose: Literal["stream", "download"]
    contents: tuple[UUID, ...] = ()


def answer_with_file(
    scope: TenantScope,
    request: Request,
    area: FileArea,
    file: ServedFile,
    disposition: str,
    *,
    download: Download | None = None,
    by_server: bool = False,
) -> Response:
    """Answer a GET or HEAD with a stored file, or with the part that the request asks for.

    The organisation's delivery decides who sends the bytes: see `FileDelivery`. The body is read after the
    request's transaction has ended, so a slow client holds no database connection.

    Args:
        disposition: the Content-Disposition: ``inline``, or what `attachment` returns.
        download: whose download or stream it is. Without it the hook ``on_download`` does not fire.
        by_server: the application sends the file, whatever the delivery: for public files, which caches keep,
            and for requests that are no GET.

    Raises:
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    etag = f'"{file.sha256}"'
    delivery = None if by_server else delivery_of(scope)
    found = None if delivery is None else _found(scope, area, file)
    # A client that got the file from a store has the store's entity tag.
    if found is not None and found.etag is not None and _mentions(request, found.etag):
        etag = found.etag
    decision = decide(Representation(file.size, etag, file.stored_at), request.method, request.headers)
    _refuse(decision, request)
    if download is not None and _is_beginning(decision, request):
        what = _Told(f"{area.plugin}/{area.name}", file.media_type, file.size)
        _announce(scope, request, download, what)
    if delivery is not None and found is not None and _can_be_delegated(decision, request):
        handover = _handed_over(scope, delivery, found, file, disposition)
        if _is_possible(handover, request):
            return _delegated(handover, decision, file, disposition)
    body: Iterable[bytes] = ()
    if request.method == "GET" and decision.length > 0:
        wrap = request.environ.get("wsgi.file_wrapper")
        body = open_file(scope, area, file.key, decision.start, decision.end_inclusive, wrap=wrap)
    return _sent_here(decision, file.media_type, disposition, body)


def answer_with_assembled(
    scope: TenantScope,
    request: Request,
    file: AssembledFile,
    disposition: str,
    *,
    download: Download | None = None,
) -> Response:
    """Answer a GET or HEAD with a file that no store has as a whole, or with the part that is asked for.

    The application sends it, whatever the organisation's delivery: no other server could. `answer_with_file`
    has the meaning of the arguments.

    Raises:
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    for part in file.parts:
        if isinstance(part, StoredPart):
            require_own(scope, part.key)
    decision = decide(Representation(file.size, f'"{file.digest}"'), request.method, request.headers)
    _refuse(decision, request)
    if download is not None and _is_beginning(decision, request):
        _announce(scope, request, download, _Told(file.name, file.media_type, file.size))
    body: Iterable[bytes] = ()
    if request.method == "GET" and decision.length > 0:
        wanted = slices(file.parts, decision.start, decision.end_inclusive + 1)
        body = AssembledBody(wanted, partial(storage_of, scope), scope.organisation.id)
        body.begin()
    return _sent_here(decision, file.media_type, disposition, body)


# Otherwise the private cache of a shared computer would give the file to the next user.
_CACHE_CONTROL: Final = "private, no-cache"

_TAGGED: Final = ("If-Match", "If-None-Match", "If-Range")

_MOST_OF_A_PROBE: Final = 2
"""Safari asks for two bytes before it plays."""


def _mentions(request: Request, etag: str) -> bool:
    return any(etag in request.headers.get(name, "") for name in _TAGGED)


def _is_beginning(decision: Decision, request: Request) -> bool:
    has_bytes = request.method == "GET" and decision.status in {200, 206} and decision.start == 0
    return has_bytes and (decision.length > _MOST_OF_A_PROBE or decision.status == 200)


def _can_be_delegated(decision: Decision, request: Request) -> bool:
    """Whether another server gives the answer that was decided: a GET of a whole file, or of one range.

    The other server evaluates the same headers again, with other dates and entity tags, and may answer
    several ranges. So the application itself answers a request with If-Match, If-Modified-Since or
    If-Unmodified-Since, and one whose Range was ignored.
    """
    if request.method != "GET" or decision.length <= 0 or decision.status not in {200, 206}:
        return False
    if decision.status == 200 and "Range" in request.headers:
        return False
    return not any(
        name in request.headers for name in ("If-Match", "If-Modified-Since", "If-Unmodified-Since")
    )


def _is_possible(handover: Handover | None, request: Request) -> TypeGuard[Handover]:
    if isinstance(handover, Redirect):
        # The other server would compare its own entity tag.
        return "If-Range" not in request.headers
    # A client that does not come through the proxy would get an empty answer.
    return handover is not None and _came_through_proxy(request)


def _came_through_proxy(request: Request) -> bool:
    environ = request.environ
    peer = environ.get("autonomy.peer", environ.get("REMOTE_ADDR"))
    trusted = runtime_of(request.registry).settings.trusted_proxies
    return "HTTP_X_FORWARDED_FOR" in environ and is_within(peer, trusted)


def _found(scope: TenantScope, area: FileArea, file: ServedFile) -> Found | None:
    with unavailable_if_unreadable(area, file.key):
        return find(scope, area, file)


def _handed_over(
    scope: TenantScope, delivery: FileDelivery, found: Found, file: ServedFile, disposition: str
) -> Handover | None:
    try:
        return hand_over(scope, delivery, found.place, file, disposition)
    except Exception:
        # The delivery of a plugin. The client gets the file.
        log.exception("files.delivery_failed", delivery=delivery.name)
        return None


def _delegated(handover: Handover, decision: Decision, file: ServedFile, disposition: str) -> Response:
    if isinstance(handover, Redirect):
        # The URL opens the file for a while, without a login. No cache keeps it, no Referer shows this one.
        headers = {"Location": handover.url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return _answer(302, {"Content-Length": "0", **headers})
    validators = {
        name: decision.headers[name] for name in ("ETag", "Last-Modified") if name in decision.headers
    }
    headers = {
        "Content-Length": "0",
        **validators,
        **_about(file.media_type, disposition),
        **handover.headers,
    }
    return _answer(200, headers)


def _sent_here(decision: Decision, media_type: str, disposition: str, body: Iterable[bytes]) -> Response:
    described = {} if decision.status == 304 else _about(media_type, disposition)
    return _answer(decision.status, {**decision.headers, "Cache-Control": _CACHE_CONTROL, **described}, body)


def _about(media_type: str, disposition: str) -> dict[str, str]:
    return {
        "Content-Type": media_type,
        "Content-Disposition": disposition,
        "Cache-Control": _CACHE_CONTROL,
    }


def _answer(status: int, headers: Mapping[str, str], body: Iterable[bytes] = ()) -> Response:
    """Make a response that has these headers only, without those that Pyramid adds."""
    response = Response(status=status, app_iter=body)
    response.headers.clear()
    response.headers.update(headers)
    return response


@dataclass(frozen=True)
class _Told:
    """What the hook is told of a file, see `DownloadStarted`."""

    files: str
    media_type: str
    size: int


def _announce(scope: TenantScope, request: Request, download: Download, what: _Told) -> None:
    """Call the hook ``on_download`` when the request's transaction has ended and the answer is made."""
    if not scope.hooks.implementations("on_download"):
        return
    event = DownloadStarted(
        scope=runtime_of(scope).scope_outside(scope.organisation),
        customer_id=download.customer_id,
        product_id=download.product_id,
        item_id=download.item_id,
        purpose=download.purpose,
        files=what.files,
        media_type=what.media_type,
        size=what.size,
        contents=download.contents,
    )

    def call(_: Request, response: Response) -> None:
        if response.status_int not in {200, 206, 302}:
            return
        for implementation in scope.hooks.implementations("on_download"):
            try:
                implementation(event=event)
            except Exception:
                log.exception("files.on_download_failed", plugin=implementation.plugin)

    request.add_response_callback(call)


def _refuse(decision: Decision, request: Request) -> None:
    if decision.status == PreconditionFailed.status:
        raise PreconditionFailed
    if decision.status == RangeNotSatisfiable.status:
        length = decision.headers["Content-Range"]
        request.add_response_callback(lambda _, response: response.headers.update({"Content-Range": length}))
        raise RangeNotSatisfiable(f"The file is {length.removeprefix('bytes */')} bytes long.")
