"""`page_view`: declares a page with its template, its form and its errors.

It is for pages what `api_view` is for calls: what is true for every page is not written in its view.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, TypeVar, Unpack
from urllib.parse import quote

import venusian
from marshmallow import Schema
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.viewderivers import VIEW

from autonomy_core.callables import call_to_its_end
from autonomy_core.errors import AutonomyError
from autonomy_core.kernel.pages import Message
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.pages.forms import Form, read_form, require_form
from autonomy_core.pages.registrations import check_files
from autonomy_core.pages.rendering import Renderer
from autonomy_core.pages.shown import root_of
from autonomy_core.pages.visitors import require_own_origin
from autonomy_core.traversal.request import return_to_transaction
from autonomy_core.traversal.resources import Resource
from autonomy_core.web.reading import load_query
from autonomy_core.web.request_transactions import Transaction
from autonomy_core.web.schemas import OpenQuery

ContextT = TypeVar("ContextT", bound=Resource)
AnswerT = TypeVar("AnswerT")

View = Callable[[Any, Request], Any]

INVALID = 422
"""The status of a page with a form that is not valid."""


@dataclass(frozen=True, slots=True)
class PageView:
    """One page, or what happens when its form is sent.

    Attributes:
        context: the class of its context nodes; `Site` for pages at the top.
        template: the name of its template.
        title: of the page. The view replaces it with a value ``title``.
        permission: the permission that the visitor needs on the context; `PUBLIC` for none.
        method: ``GET``, which includes ``HEAD``, or ``POST``.
        name: the name of the view; empty for the node itself.
        query: the schema of the query string, which is loaded into ``request.query``. Unknown parameters are
            ignored.
        form: the schema of the form, which is loaded into ``request.validated``. Only with ``POST``.
        errors: the errors that the page shows above its form, each with what it says there. A message may
            contain members of the error, such as ``%(retry_after)s``.
        again: the view, with ``GET``, of the page that has the form. It is shown again with the input if the
            form is refused.
        kept: whether the page is the same for all visitors without a session, and depends on nothing but the
            catalogue, the settings, the URL and the language. Such pages are answered from memory.
        transaction: see `autonomy_core.web.operations.Operation`.
        plugin: the name of the plugin; None for the core. Set at registration.
        id: the name of the view's function. Set at registration.
    """

    context: type[Resource]
    template: str
    title: Message
    permission: str
    method: Literal["GET", "POST"] = "GET"
    name: str = ""
    query: type[Schema] = OpenQuery
    form: type[Schema] | None = None
    errors: Mapping[type[AutonomyError], Message] = field(default_factory=dict)
    again: View | None = None
    kept: bool = False
    transaction: Transaction = "request"
    plugin: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        if (self.form is None) != (self.again is None) or (self.form and self.method != "POST"):
            raise TypeError("a page with form= needs method='POST' and again=, the view that shows it")
        if self.kept and self.method != "GET":
            raise TypeError("only a page with method='GET' can be kept")


class PageDetails(TypedDict, total=False):
    """The optional arguments of `page_view`. `PageView` documents them."""

    method: Literal["GET", "POST"]
    name: str
    query: type[Schema]
    form: type[Schema]
    errors: Mapping[type[AutonomyError], Message]
    again: Callable[[Any, Request], Any]
    kept: bool
    transaction: Transaction


def page_view(
    *,
    context: type[ContextT],
    template: str,
    title: Message,
    permission: str,
    **details: Unpack[PageDetails],
) -> Callable[[Callable[[ContextT, Request], AnswerT]], Callable[[ContextT, Request], AnswerT]]:
    """Register a function ``view(context, request)`` as a page. ``config.scan`` finds it.

    The function returns the values of the template, or an answer such as `redirect`. The template also knows
    ``page`` and ``form``.

    Args:
        context, template, title, permission: see `PageView`.
        details: the arguments in `PageDetails`; see `PageView`.

    Raises:
        TypeError: an argument is unknown, or two do not fit.
    """
    page = PageView(context, template, title, permission, **details)

    def decorate(view: Callable[[ContextT, Request], AnswerT]) -> Callable[[ContextT, Request], AnswerT]:
        def register(scanner: Any, attached_name: str, wrapped: Any) -> None:
            config = scanner.config.with_package(info.module)
            plugin = runtime_of(config.registry).plugins.of_package(config.package.__name__)
            config.add_page(replace(page, plugin=plugin, id=view.__name__), wrapped, _info=info.codeinfo)

        info = venusian.attach(view, register, category="pyramid")
        return view

    return decorate


def add_page(config: Configurator, page: PageView, view: View) -> None:
    """Register the view of a page. This is a directive."""
    config.add_view(
        view,
        context=page.context,
        name=page.name,
        request_method=page.method,
        permission=page.permission,
        require_csrf=page.method != "GET",
        page=page,
    )
    config.registry.pages.append(page)
    config.registry.page_of_view[view] = page


def guard_form(view: View, info: Any) -> View:
    """Check where a form comes from, and its head, before its body is read. This is a view deriver."""
    page: PageView | None = info.options.get("page")
    if page is None or page.method == "GET":
        return view

    def guarded(context: Any, request: Request) -> Any:
        require_own_origin(request)
        require_form(request)
        return view(context, request)

    return guarded


def shown_view(view: View, info: Any) -> View:
    """Load the query and the form of a page, and render what its view returns. This is a view deriver."""
    page: PageView | None = info.options.get("page")
    if page is None:
        return view

    def wrapper(context: Any, request: Request) -> Response:
        request.query = _query(page, request)
        if page.form is None:
            return _answer(page, request, call_to_its_end(view, context, request), Form())
        form, loaded = read_form(request, page.form)
        if loaded is None:
            return _show_again(page, context, request, form, INVALID)
        request.validated = loaded
        try:
            answer = call_to_its_end(view, context, request)
        except tuple(page.errors) as error:
            form.refuse(error, _message_for(page, error))
            # For `commit_veto`: an error may want its transaction to be committed.
            request.exception = error
            return _show_again(page, context, request, form, error.status)
        return _answer(page, request, answer, form)

    return wrapper


shown_view.options = ("page",)  # type: ignore[attr-defined]


def _query(page: PageView, request: Request) -> dict[str, Any]:
    # Skip this for the most common case.
    return {} if page.query is OpenQuery else load_query(request, page.query)


def _message_for(page: PageView, error: AutonomyError) -> Message:
    return next(message for kind, message in page.errors.items() if isinstance(error, kind))


def _show_again(page: PageView, context: Any, request: Request, form: Form, status: int) -> Response:
    if page.transaction == "none":
        return_to_transaction(request)
    before: PageView = request.registry.page_of_view[page.again]
    request.query = _query(before, request)
    assert page.again is not None  # noqa: S101 - see `PageView`
    return _answer(before, request, page.again(context, request), form, status=status)


def _answer(page: PageView, request: Request, answer: Any, form: Form, *, status: int = 200) -> Response:
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, Mapping):
        raise TypeError(f"page {page.id} returned a {type(answer).__name__}; it has to return a dictionary")
    renderer: Renderer = request.registry.page_renderer
    values = {"form": form, **answer}
    return renderer.answer(request, page.template, page.title, values, status=status, is_kept=page.kept)


def redirect(request: Request, *segments: str, path: str | None = None) -> Response:
    """Answer with 303: the browser requests another page of the organisation. Use it after each form.

    Args:
        request: the request.
        segments: of the path below the first page.
        path: instead of these, a path that `local_path` has returned.
    """
    location = path or root_of(request) + "/".join(quote(each, safe="") for each in segments)
    request.response.status_int = 303
    request.response.content_type = None
    request.response.location = location
    answer: Response = request.response
    return answer


def local_path(request: Request, text: str | None) -> str | None:
    """Return a path of the organisation's pages that came with a request; None for all else.

    It refuses what leads to another host, such as ``//host`` or the same with a backslash, and what leads out
    of the organisation, such as ``/acme/../other``.

    Args:
        request: the request.
        text: a value of a query or of a form.
    """
    if not text or not text.startswith(root_of(request)) or len(text) > LONGEST_PATH:
        return None
    is_plain = all("!" <= each <= "~" and each != "\\" for each in text)
    # Browsers read %2e as a dot.
    segments = re.split("[?#]", text.lower().replace("%2e", "."))[0].split("/")
    return text if is_plain and not text.startswith("//") and not {".", ".."} & {*segments} else None


LONGEST_PATH = 2000
"""In characters."""


def includeme(config: Configurator) -> None:
    """Register the directive and the view derivers."""
    config.registry.page_of_view = {}
    parts = runtime_of(config.registry).pages
    check_files(parts)
    config.registry.page_renderer = Renderer(parts)
    config.add_directive("add_page", add_page)
    config.add_view_deriver(guard_form, name="guard_form", under="secured_view", over="csrf_view")
    config.add_view_deriver(shown_view, name="shown_view", under="rendered_view", over=VIEW)
