"""Answers ``GET products``, ``GET products/{id}`` and pages for all visitors from memory, or with 304.

This is a tween, because a kept answer needs neither traversal nor a view. It asks the database for the
version of the catalogue for each request, so that an answer is never older than the last answered write.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from autonomy_core.catalog.kept.memory import KeptAnswer, KeptAnswers, State, Url
from autonomy_core.catalog.kept.services import right_until, tables_beside, version_of
from autonomy_core.catalog.resources import ProductDetail, Products
from autonomy_core.db.base import utcnow
from autonomy_core.files.errors import PreconditionFailed
from autonomy_core.files.ranges import Representation, decide
from autonomy_core.kernel.runtime import Runtime, runtime_of
from autonomy_core.languages import Language
from autonomy_core.pages.headers import CSP
from autonomy_core.pages.negotiation import chosen_in
from autonomy_core.pages.sessions import session_token
from autonomy_core.traversal.addressing import is_page
from autonomy_core.traversal.request import ANSWERED_BY, KEPT_PAGE, scope_of
from autonomy_core.traversal.target import REFUSAL

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Response]

OK: Final = 200
NOT_MODIFIED: Final = 304

CACHE_CONTROL: Final = "public, no-cache"
"""Caches may store it, and ask each time whether it is still right (RFC 9111, section 5.2.2.4)."""

LONGEST_WAIT_S: Final = 10.0
"""How long a request waits for another one that makes the same answer, in seconds."""

VARY: Final = "Accept-Language, Cookie"
"""What the answer of a kept page depends on, besides its URL."""

_PATH: Final = re.compile(r"(?:/[^/]+)?/api/v1/products(?:/[^/]+)?")
_RESOURCES: Final = (Products, ProductDetail)
_CONDITIONS: Final = {"HTTP_IF_MATCH": "If-Match", "HTTP_IF_NONE_MATCH": "If-None-Match"}


def kept_answers_tween(handler: Handler, registry: Any) -> Handler:
    """Answer from memory what is there, and keep what is made."""
    keeper = Keeper(runtime_of(registry), handler)

    def tween(request: Request) -> Response:
        url = _url(request)
        # Every organisation that the registry serves has a digest.
        if url is None or request.organisation is None or not request.organisation.digest:
            return handler(request)
        return keeper.answer(request, url)

    return tween


class Keeper:
    """Answers the requests of a process.

    Args:
        runtime: of the process.
        handler: makes an answer.
    """

    def __init__(self, runtime: Runtime, handler: Handler) -> None:
        self._runtime, self._handler = runtime, handler
        self._answers = KeptAnswers()
        self._making: dict[tuple[State, Url], threading.Event] = {}
        self._lock = threading.Lock()
        self._logged: set[tuple[str, ...]] = set()

    def answer(self, request: Request, url: Url) -> Response:
        """Answer a request.

        Raises:
            PreconditionFailed: the client has another answer than the present one.
            Exception: what the handler raises.
        """
        organisation = request.organisation
        # Before anything else is read: what is read later is of this version, or of a later one.
        version = version_of(self._runtime.scope_outside(organisation))
        state = State(organisation.id, organisation.digest, organisation.hosts, version)
        kept = self._answers.get(state, url, utcnow())
        if kept is not None:
            return _from_memory(kept, request)
        if self._answers.is_left_out(state, url):
            # After a wait there would be no answer in memory either.
            return self._make(request, state, url)
        return self._make_once(request, state, url)

    def _make_once(self, request: Request, state: State, url: Url) -> Response:
        """Make an answer, or wait while another request makes the same one."""
        making = (state, url)
        with self._lock:
            underway = self._making.get(making)
            if underway is None:
                done = self._making[making] = threading.Event()
        if underway is not None:
            underway.wait(LONGEST_WAIT_S)
            kept = self._answers.get(state, url, utcnow())
            return self._make(request, state, url) if kept is None else _from_memory(kept, request)
        try:
            # Another request may have made it after the caller has looked.
            kept = self._answers.get(state, url, utcnow())
            return self._make(request, state, url) if kept is None else _from_memory(kept, request)
        finally:
            del self._making[making]
            done.set()

    def _make(self, request: Request, state: State, url: Url) -> Response:
        since = utcnow()
        response = self._handler(request)
        kept_headers = _headers_of(request, response) if response.status_int == OK else None
        if kept_headers is None:
            if response.status_int == OK:
                # So that requests of the same URL do not wait for one another.
                self._answers.leave_out(state, url)
            return response
        # In the transaction that has read what is in the answer.
        scope = scope_of(request)
        resource = type(request.context).__name__
        until = right_until(scope, since)
        made = KeptAnswer(response.body, _etag(response.body), resource, until, kept_headers)
        if beside := tables_beside(scope):
            self._log_tables(beside)
            self._answers.leave_out(state, url)
        else:
            self._answers.put(state, url, made)
        return _answer_with(made, request)

    def _log_tables(self, tables: list[str]) -> None:
        """Log the tables because of which answers are not kept, once."""
        if (named := tuple(tables)) not in self._logged:
            self._logged.add(named)
            log.info("catalogue.not_kept", tables=tables)


def _headers_of(request: Request, response: Response) -> tuple[tuple[str, str], ...] | None:
    """Return the headers that are kept with an answer; None if it is not one of those that are kept."""
    if request.__dict__.get(KEPT_PAGE):
        names = ("Content-Type", "Content-Language", CSP)
        return (*((name, response.headers[name]) for name in names), ("Vary", VARY))
    if type(request.context) in _RESOURCES and not request.view_name:
        return (("Content-Type", "application/json"),)
    return None


def _url(request: Request) -> Url | None:
    """Return what an answer depends on; None if this module has nothing to do with the request."""
    environ = request.environ
    host, path = environ.get("HTTP_HOST"), environ["PATH_INFO"]
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not host or REFUSAL in environ:
        return None
    if not _PATH.fullmatch(path):
        return _url_of_page(request, host, path)
    return _sent(environ, host, path)


def _url_of_page(request: Request, host: str, path: str) -> Url | None:
    """The same for a page: none for a session, nor for a URL whose answer sets the cookie of a language."""
    if request.organisation is None or not is_page(request):
        return None
    if session_token(request) is not None or chosen_in(request) is not None:
        return None
    language: Language = request.registry.page_renderer.language(request)
    return (*_sent(request.environ, host, path), language.tag, language.wanted)


def _sent(environ: Mapping[str, str], host: str, path: str) -> Url:
    # As they were sent, so that what was refused once is never found here.
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    query = environ.get("QUERY_STRING", "")
    return environ["wsgi.url_scheme"], host, environ.get("SCRIPT_NAME", ""), path, target, query


def _etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def _from_memory(kept: KeptAnswer, request: Request) -> Response:
    request.__dict__[ANSWERED_BY] = kept.resource
    if len(kept.headers) > 1:
        request.__dict__[KEPT_PAGE] = True
    return _answer_with(kept, request)


def _answer_with(kept: KeptAnswer, request: Request) -> Response:
    """Answer with the bytes, or with 304 or 412 (RFC 9110, section 13.2.2).

    Raises:
        PreconditionFailed
    """
    headers = [("ETag", kept.etag), ("Cache-Control", CACHE_CONTROL), *kept.headers[1:]]
    conditions = {name: request.environ[key] for key, name in _CONDITIONS.items() if key in request.environ}
    if conditions:
        status = decide(Representation(len(kept.body), kept.etag), "GET", conditions).status
        if status == PreconditionFailed.status:
            raise PreconditionFailed
        if status == NOT_MODIFIED:
            return Response(status=NOT_MODIFIED, headerlist=headers)
    whole = [kept.headers[0], ("Content-Length", str(len(kept.body)))]
    return Response(status=OK, headerlist=[*whole, *headers], app_iter=[kept.body])


def includeme(config: Configurator) -> None:
    """Install the tween within the exception views, and within the request's transaction."""
    config.add_tween(f"{__name__}.kept_answers_tween", under=EXCVIEW)
