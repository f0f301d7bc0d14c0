"""The view deriver that applies ``Idempotency-Key`` to every view of a POST.

It runs after the permission check, so that a key gives no access that the call itself refuses. It runs
before the input is validated. The steps of one request:

1. The key is reserved, in a transaction of its own; see `services`.
2. The view runs. A fingerprint is computed while the body is read.
3. The answer is stored in the view's transaction, which pyramid_tm commits. If the view begins its own
   transactions, the answer is stored after the view.
4. If no answer was committed, the key is released after the transaction has ended.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPException, HTTPRedirection, HTTPSuccessful
from pyramid.location import lineage
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.errors import Malformed
from autonomy_core.idempotency import domain, services
from autonomy_core.idempotency.errors import IdempotencyKeyInvalid, IdempotencyKeyReused
from autonomy_core.idempotency.fingerprint import Fingerprint, Fingerprinted
from autonomy_core.idempotency.schemas import HEADER, REPLAYED
from autonomy_core.idempotency.sealing import names_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.traversal.request import end_reading
from autonomy_core.traversal.resources import ApiV1
from autonomy_core.web.operations import Operation
from autonomy_core.web.request_transactions import Transaction

View = Callable[[Any, Request], Response]


def repeatable_view(view: View, info: Any) -> View:
    """View deriver: a POST with an ``Idempotency-Key`` is executed once."""
    operation: Operation | None = info.options.get("operation")
    if operation is None or not operation.is_repeatable:
        return view
    lease = domain.LEASE_OF_UPLOADS if operation.takes else domain.LEASE

    def repeatable(context: Any, request: Request) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return view(context, request)
        claim = _claim(context, request, key)
        # Release the connection before waiting for another one, or for the body of a repeated request.
        end_reading(request)
        with context.scope.begin() as own:
            found = services.reserve(own, claim, lease)
        if isinstance(found, services.CarriedOut):
            return _answer_again(context.scope, request, claim, found)
        return _carry_out(view, context, request, found, operation.transaction)

    return repeatable


def names_of_request(context: Any, request: Request) -> tuple[str, ...]:
    """Return names that identify a request with a key and its repetitions; an empty tuple without a key.

    A view that begins its own transactions uses them: if the process dies before the answer is stored, the
    repeated request is executed again and can find the earlier work.

    Returns:
        One name for each accepted secret of the server, the current secret first.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return ()
    body = json.dumps(request.validated, sort_keys=True, default=str)
    return tuple(f"{name}/{body}" for name in names_of(context.scope, _claim(context, request, key)))


def _claim(context: Any, request: Request, key: str) -> domain.Claim:
    if not domain.WELL_FORMED.fullmatch(key):
        raise IdempotencyKeyInvalid("Send 1 to 255 visible ASCII characters, for example a UUID.")
    # The path below the API's root is the same whether the host or the path names the organisation.
    below_the_api = takewhile(lambda node: not isinstance(node, ApiV1), lineage(context))
    path = "/".join([*reversed([node.__name__ or "" for node in below_the_api]), request.view_name])
    claim = domain.Claim(request.actor, request.method, path, key)
    if claim.is_anonymous and len(key) < domain.SHORTEST_UNAUTHENTICATED:
        raise IdempotencyKeyInvalid(
            f"Without a login, send at least {domain.SHORTEST_UNAUTHENTICATED} characters, such as a UUID."
        )
    return claim


def _carry_out(
    view: View,
    context: Any,
    request: Request,
    reservation: services.Reservation,
    transaction: Transaction,
) -> Response:
    _release_at_last(context.scope, request, reservation)
    with _fingerprinted(request) as fingerprint:
        response = _response_of(view, context, request)
        if response.status_int < 400:
            _read_on(request, domain.BLOCK_BYTES)
            answer = _answer_of(response)
            if transaction == "request":
                services.keep(context.scope, reservation, fingerprint, answer)
                request.tm.get().addAfterCommitHook(_after_commit, (reservation,))
            else:
                with context.scope.begin() as own:
                    services.keep(own, reservation, fingerprint, answer)
                reservation.kept = True
    return response


def _response_of(view: View, context: Any, request: Request) -> Response:
    try:
        response = view(context, request)
    except (HTTPSuccessful, HTTPRedirection) as raised:
        # Pyramid allows to raise a response. pyramid_tm commits for these two classes.
        response = raised
    if isinstance(response, HTTPException):
        response.prepare(request.environ)
    return response


def _answer_of(response: Response) -> domain.StoredAnswer | None:
    """Return the part of a response to store; None for a streamed or too large response."""
    parts = response.app_iter
    if not isinstance(parts, list) or sum(map(len, parts)) > domain.MOST_ANSWER_BYTES:
        return None
    return domain.StoredAnswer(response.status_int, tuple(response.headerlist), b"".join(parts))


def _after_commit(committed: bool, reservation: services.Reservation) -> None:  # noqa: FBT001 - by position
    reservation.kept = committed


def _release_at_last(scope: TenantScope, request: Request, reservation: services.Reservation) -> None:
    """Release the key at the end of the request, unless its answer is kept.

    The transaction's connection is returned before, and the client gets the response after it.
    """

    def release(_: Request) -> None:
        if not reservation.kept:
            services.release(scope, reservation)

    request.add_finished_callback(release)


def _answer_again(
    scope: TenantScope, request: Request, claim: domain.Claim, found: services.CarriedOut
) -> Response:
    too_long = IdempotencyKeyReused("It was used with a shorter body.")
    if (request.content_length or 0) > found.most_bytes:
        raise too_long
    with _fingerprinted(request) as fingerprint:
        _read_on(request, found.most_bytes + 1)
    if fingerprint.size > found.most_bytes:
        raise too_long
    with scope.begin() as own:
        answer = services.answer_again(own, claim, fingerprint)
    response = Response(app_iter=[answer.body], status=answer.status, headerlist=list(answer.headers))
    response.headers[REPLAYED] = "true"
    return response


@contextmanager
def _fingerprinted(request: Request) -> Iterator[Fingerprint]:
    """Compute a fingerprint of the body while any code reads it."""
    fingerprint = Fingerprint(request.headers.get("Content-Type", ""), request.query_string)
    before = {name: request.environ.get(name) for name in ("wsgi.input", "webob.is_body_seekable")}
    # The inner stream ends with the body, so that the buffer does not wait for further bytes.
    request.environ["wsgi.input"] = io.BufferedReader(Fingerprinted(request.body_file, fingerprint))
    request.environ["webob.is_body_seekable"] = False
    try:
        yield fingerprint
    finally:
        request.environ.update(before)


def _read_on(request: Request, most_bytes: int) -> None:
    """Read and discard the rest of the body, for its fingerprint.

    Raises:
        Malformed: the connection ended before the body.
    """
    try:
        while most_bytes > 0 and (piece := request.body_file.read(min(domain.BLOCK_BYTES, most_bytes))):
            most_bytes -= len(piece)
    except OSError as error:
        raise Malformed("The connection ended before the whole body arrived.") from error


def includeme(config: Configurator) -> None:
    """Add the deriver behind the permission check and around the validation, the view and its rendering."""
    config.add_view_deriver(
        repeatable_view, name="repeatable_view", under="decorated_view", over="rendered_view"
    )
