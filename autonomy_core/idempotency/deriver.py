"""The view deriver: around every view of a POST, so that nobody has to think of it.

It lies behind the permission, so that a key opens nothing to whom the call itself is closed, and around the checking of
the input. In one request:

1. the key is reserved, and that is committed;
2. the view runs, and its body is read through a fingerprint;
3. the answer is kept: in the transaction of the view's work, which pyramid_tm commits; or after it, where the view begins its
   own transactions;
4. if that did not come about, for whatever reason, the key is released, once the transaction has ended.
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
from autonomy_core.traversal.resources import ApiV1
from autonomy_core.web.operations import Operation
from autonomy_core.web.request_transactions import Transaction, end_reading

View = Callable[[Any, Request], Response]


def repeatable_view(view: View, info: Any) -> View:
    """View deriver: a POST with an ``Idempotency-Key`` is carried out once."""
    operation: Operation | None = info.options.get("operation")
    if operation is None or not operation.is_repeatable:
        return view
    lease = domain.LEASE_OF_UPLOADS if operation.takes else domain.LEASE

    def repeatable(context: Any, request: Request) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return view(context, request)
        claim = _claim(context, request, key)
        # No connection is held while another one is waited for, or the body of a repetition.
        end_reading(request)
        with request.scope.begin() as own:
            found = services.reserve(own, claim, lease)
        if isinstance(found, services.CarriedOut):
            return _answer_again(request, claim, found)
        return _carry_out(view, context, request, found, operation.transaction)

    return repeatable


def names_of_request(context: Any, request: Request) -> tuple[str, ...]:
    """What is the same of a request with a key and of its repetitions, and of no other; nothing without a key.

    One for each of the server's accepted secrets, its own first.

    For a view that begins its own transactions: where the process dies before the answer is kept, the repetition is
    carried out.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return ()
    body = json.dumps(request.validated, sort_keys=True, default=str)
    return tuple(f"{name}/{body}" for name in names_of(request.scope, _claim(context, request, key)))


def _claim(context: Any, request: Request, key: str) -> domain.Claim:
    if not domain.WELL_FORMED.fullmatch(key):
        raise IdempotencyKeyInvalid("Send 1 to 255 visible ASCII characters, for example a UUID.")
    # The same whether the organisation is named by the host or by the path.
    below_the_api = takewhile(lambda node: not isinstance(node, ApiV1), lineage(context))
    path = "/".join([*reversed([node.__name__ or "" for node in below_the_api]), request.view_name])
    return domain.Claim(request.actor, request.method, path, key)


def _carry_out(
    view: View,
    context: Any,
    request: Request,
    reservation: services.Reservation,
    transaction: Transaction,
) -> Response:
    _release_at_last(request, reservation)
    with _fingerprinted(request) as fingerprint:
        response = _response_of(view, context, request)
        if response.status_int < 400:
            _read_on(request, domain.BLOCK_BYTES)
            answer = _answer_of(response)
            if transaction == "request":
                services.keep(request.scope, reservation, fingerprint, answer)
                request.tm.get().addAfterCommitHook(_note, (reservation,))
            else:
                with request.scope.begin() as own:
                    services.keep(own, reservation, fingerprint, answer)
                reservation.kept = True
    return response


def _response_of(view: View, context: Any, request: Request) -> Response:
    try:
        response = view(context, request)
    except (HTTPSuccessful, HTTPRedirection) as raised:
        # Pyramid's other way to return one: its transaction is committed.
        response = raised
    if isinstance(response, HTTPException):
        response.prepare(request.environ)
    return response


def _answer_of(response: Response) -> domain.Answer | None:
    """What is kept of a response; None of one that is produced while it is sent, or too large."""
    parts = response.app_iter
    if not isinstance(parts, list) or sum(map(len, parts)) > domain.MOST_ANSWER_BYTES:
        return None
    return domain.Answer(response.status_int, tuple(response.headerlist), b"".join(parts))


def _note(committed: bool, reservation: services.Reservation) -> None:  # noqa: FBT001 - transaction calls it so
    reservation.kept = committed


def _release_at_last(request: Request, reservation: services.Reservation) -> None:
    """When the transaction has ended and its connection is given back, and before the client is answered."""
    scope = request.scope

    def release(_: Request) -> None:
        if not reservation.kept:
            services.release(scope, reservation)

    request.add_finished_callback(release)


def _answer_again(request: Request, claim: domain.Claim, found: services.CarriedOut) -> Response:
    too_long = IdempotencyKeyReused("It was used with a shorter body.")
    if (request.content_length or 0) > found.most_bytes:
        raise too_long
    with _fingerprinted(request) as fingerprint:
        _read_on(request, found.most_bytes + 1)
    if fingerprint.size > found.most_bytes:
        raise too_long
    with request.scope.begin() as own:
        answer = services.answer_again(own, claim, fingerprint)
    response = Response(app_iter=[answer.body], status=answer.status, headerlist=list(answer.headers))
    response.headers[REPLAYED] = "true"
    return response


@contextmanager
def _fingerprinted(request: Request) -> Iterator[Fingerprint]:
    """Take a fingerprint of the body, while it is read in whichever way."""
    fingerprint = Fingerprint(request.headers.get("Content-Type", ""), request.query_string)
    before = {name: request.environ.get(name) for name in ("wsgi.input", "webob.is_body_seekable")}
    # Within it lies what ends where the body ends, so that nothing waits for bytes that never come.
    request.environ["wsgi.input"] = io.BufferedReader(Fingerprinted(request.body_file, fingerprint))
    request.environ["webob.is_body_seekable"] = False
    try:
        yield fingerprint
    finally:
        request.environ.update(before)


def _read_on(request: Request, most_bytes: int) -> None:
    """Read what is left of the body, for its fingerprint, and forget it.

    Raises:
        Malformed: the connection has ended before the body.
    """
    try:
        while most_bytes > 0 and (piece := request.body_file.read(min(domain.BLOCK_BYTES, most_bytes))):
            most_bytes -= len(piece)
    except OSError as error:
        raise Malformed("The connection ended before the whole body arrived.") from error


def includeme(config: Configurator) -> None:
    """Put it behind the permission, and around everything that the view is made of."""
    config.add_view_deriver(
        repeatable_view, name="repeatable_view", under="decorated_view", over="rendered_view"
    )
