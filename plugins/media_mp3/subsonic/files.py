"""Answers a player with a file: a stream, a download, a cover."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from pyramid.request import Request
from pyramid.response import Response
from structlog.contextvars import bound_contextvars

from autonomy_core.plugin_api.catalog import NotAvailableYet
from autonomy_core.plugin_api.errors import NotFound
from autonomy_core.plugin_api.files import Download, answer_with_file
from autonomy_core.plugin_api.images import image_of, images_of, jpeg_of
from autonomy_core.plugin_api.payments import all_bought_at
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import customer_identity
from media_mp3 import services
from media_mp3.models import Track
from media_mp3.renditions.services import finished_files
from media_mp3.settings import PRODUCT_IMAGE, TRACK_IMAGE
from media_mp3.streaming import attached
from media_mp3.subsonic import loading
from media_mp3.subsonic.authentication import Listener
from media_mp3.subsonic.domain import ALBUM, TRACK, Parameters, not_found, uuid_in
from media_mp3.subsonic.library import choose

LARGEST_COVER: Final = 3000
"""Pixels of the longest side."""


def answer(
    scope: TenantScope, request: Request, name: str, listener: Listener, parameters: Parameters
) -> Response:
    """Answer a call of `dispatch.FILES`.

    Args:
        scope: its own transaction is not used.

    Raises:
        ProtocolError: the customer does not own the thing, or it has no cover.
        PreconditionFailed, RangeNotSatisfiable, StorageUnavailable
    """
    # Of a form, a proxy would not answer a range, and a store would refuse what is no GET.
    is_form = request.method == "POST"
    with _as_get(request), scope.begin() as own:
        if name == "getCoverArt":
            return _cover(own, request, listener, parameters)
        return _recording(own, request, name, listener, parameters, by_server=is_form)


@contextmanager
def _as_get(request: Request) -> Iterator[None]:
    """Let a form be answered like a GET, with ranges: it asks for the same, with parameters in the body."""
    method = request.method
    request.method = "GET" if method == "POST" else method
    try:
        yield
    finally:
        request.method = method


def _recording(
    scope: TenantScope,
    request: Request,
    name: str,
    listener: Listener,
    parameters: Parameters,
    *,
    by_server: bool,
) -> Response:
    track = _heard(scope, listener, parameters.required("id"))
    files = loading.files_of(track, finished_files(scope, [track]).get(track.id, []))
    is_stream = name == "stream"
    wanted = parameters.text("format") if is_stream else None
    chosen = choose(files, wanted, parameters.number("maxBitRate", 0) if is_stream else 0)
    disposition = "inline" if is_stream else attached(track, f".{chosen.suffix}")
    download = Download(
        listener.customer_id, track.product_id, track.id, "stream" if is_stream else "download"
    )
    with bound_contextvars(track=str(track.id), format=chosen.format):
        source = chosen.source
        return answer_with_file(
            scope, request, source.area, source.file, disposition, download=download, by_server=by_server
        )


def _heard(scope: TenantScope, listener: Listener, key: str) -> Track:
    """A track that the customer may hear now, by the id of its song."""
    track = services.find_track(scope, uuid_in(TRACK, key))
    if track is None:
        raise not_found("That song")
    identity = customer_identity(scope.organisation.id, listener.customer_id)
    try:
        services.require_listener(scope, identity, track)
    except (NotFound, NotAvailableYet):
        raise not_found("That song") from None
    return track


def _cover(scope: TenantScope, request: Request, listener: Listener, parameters: Parameters) -> Response:
    covered = _covered(scope, listener, parameters.required("id"))
    largest = parameters.number("size", LARGEST_COVER, least=1, most=LARGEST_COVER)
    try:
        digest = image_of(scope, *covered).digest
    except NotFound:
        raise not_found("That cover") from None
    content = jpeg_of(scope, *covered, largest=largest)
    if content is None:
        raise not_found("That cover")
    response = Response(
        body=content, content_type="image/jpeg", etag=f"{digest}-{largest}", conditional_response=True
    )
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _covered(scope: TenantScope, listener: Listener, key: str) -> tuple[str, UUID]:
    """What has the cover of an album or of a song, as `image_of` takes it. A song may have its own."""
    if key.startswith(f"{TRACK}-"):
        track = _heard(scope, listener, key)
        has_own = images_of(scope, TRACK_IMAGE, [track.id])
        return (TRACK_IMAGE, track.id) if has_own else (PRODUCT_IMAGE, track.product_id)
    product_id = uuid_in(ALBUM, key)
    if not loading.products_of(scope, all_bought_at(scope, listener.customer_id), [product_id]):
        raise not_found("That cover")
    return PRODUCT_IMAGE, product_id
