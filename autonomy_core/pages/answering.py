"""The tween of pages: it makes pages of problems, and adds what every answer to a browser needs.

Errors are problems (RFC 9457) for every path, see `autonomy_core.web.problems`. A browser gets a page with
the same status and headers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from pyramid.config import Configurator
from pyramid.exceptions import BadCSRFToken
from pyramid.request import Request
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from autonomy_core.errors import AutonomyError, Malformed
from autonomy_core.kernel.pages import Message, _
from autonomy_core.pages.headers import protect
from autonomy_core.pages.rendering import Renderer
from autonomy_core.pages.shown import root_of
from autonomy_core.pages.visitors import read_condition, show_token
from autonomy_core.traversal.addressing import is_page
from autonomy_core.traversal.resources import Site
from autonomy_core.web.problems import CONTENT_TYPE, from_error

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Response]

HTML: Final = "text/html"

TITLES: Final[Mapping[int, Message]] = {
    400: _("This request cannot be read"),
    401: _("Please log in"),
    403: _("You may not see this page"),
    404: _("This page does not exist"),
    405: _("This page cannot be used like this"),
    409: _("Something has changed meanwhile"),
    410: _("This page is gone"),
    413: _("This is too large"),
    422: _("Something is not right"),
    429: _("Too many attempts"),
    500: _("Something went wrong"),
    503: _("We will be back soon"),
}
"""The headings of pages about errors, by status."""

TEXTS: Final[Mapping[int, Message]] = {
    400: _("Go back, and try it again."),
    401: _("Log in to see this page."),
    403: _("You are logged in, but this page is for others."),
    404: _("The address is wrong, or the page has moved."),
    405: _("Go back, and try it again."),
    409: _("Go back, reload the page, and try it again."),
    410: _("It was here, and it was removed."),
    413: _("Go back, and send less."),
    422: _("Go back, and check what you have entered."),
    429: _("Wait a moment before you try it again."),
    500: _("The error is not yours. It has been logged, and we will look at it."),
    503: _("The server cannot answer at the moment. Please try it again in a minute."),
}
"""What they say."""

NO_SHOP: Final = _("There are no pages here")
NO_SHOP_TEXT: Final = _("This address has no shop that you can visit.")


class StaleForm(Malformed):
    """The token of the form is missing or another visitor's: the cookie or the login has changed."""

    code, title = "stale_form", "The form is out of date: load the page again, and send it again"


def pages_tween(handler: Handler, registry: Any) -> Handler:
    """Wrap the exception views."""

    def tween(request: Request) -> Response:
        if not _is_page(request):
            return handler(request)
        read_condition(request)
        response = handler(request)
        if response.content_type == CONTENT_TYPE and prefers_html(request):
            response = page_of_problem(request, response)
        show_token(request, response)
        protect(request, response)
        return response

    return tween


def _is_page(request: Request) -> bool:
    try:
        return is_page(request)
    except (AutonomyError, UnicodeDecodeError):
        # An unreadable path is that of no call.
        return True


def prefers_html(request: Request) -> bool:
    """Whether the client wants a page rather than a problem. A program that accepts everything does not."""
    offers = request.accept.acceptable_offers([CONTENT_TYPE, HTML])
    return bool(offers) and offers[0][0] == HTML


def page_of_problem(request: Request, problem: Response) -> Response:
    """Make a page of a problem; or lead to the page where visitors log in, if that is what they lack.

    Args:
        request: the request.
        problem: the answer of an exception view.
    """
    _forget_unreadable_organisation(request)
    if problem.status_int == 401 and (sign_in := _sign_in(request)) is not None:
        return Response(status=303, location=sign_in, content_type=None, cache_control="no-store")
    status = problem.status_int if problem.status_int in TITLES else 500 if problem.status_int > 500 else 400
    title, text = TITLES[status], TEXTS[status]
    if is_first := status == 404 and _is_first_page(request):
        title, text = NO_SHOP, NO_SHOP_TEXT
    renderer: Renderer = request.registry.page_renderer
    values = {"text": text, "status": problem.status_int, "is_first": is_first}
    try:
        page = renderer.answer(
            request, "pages/error.html", title, values, status=problem.status_int, is_error=True
        )
    except Exception:
        log.exception("pages.error_page_failed")
        return problem
    for name in ("Allow", "Cache-Control", "Retry-After"):
        if name in problem.headers:
            page.headers[name] = problem.headers[name]
    page.headers.add("Vary", "Accept")
    return page


def _forget_unreadable_organisation(request: Request) -> None:
    """Make the page of an error one of no organisation, if the organisation is what cannot be found."""
    try:
        request.organisation  # noqa: B018 - it is computed at its first use
    except AutonomyError:
        request.organisation = None


def _is_first_page(request: Request) -> bool:
    context = getattr(request, "context", None)
    return isinstance(context, Site) and not request.view_name and not request.subpath


def _sign_in(request: Request) -> str | None:
    """The path of the page where visitors log in, which leads back to this one; None if there is none."""
    if request.organisation is None or request.method not in {"GET", "HEAD"}:
        return None
    renderer: Renderer = request.registry.page_renderer
    sign_in = next((each.sign_in for each in renderer.files_of(request.organisation) if each.sign_in), None)
    return sign_in and f"{root_of(request)}{sign_in}?{urlencode({'next': request.path_qs})}"


def stale_form(context: BadCSRFToken, request: Request) -> Response:
    """Answer a form whose token is not the one of the visitor. This is an exception view."""
    return from_error(StaleForm())


def includeme(config: Configurator) -> None:
    """Install the tween and the exception view."""
    config.add_tween(f"{__name__}.pages_tween", over=EXCVIEW, under="pyramid_tm.tm_tween_factory")
    config.add_exception_view(stale_form, context=BadCSRFToken)
