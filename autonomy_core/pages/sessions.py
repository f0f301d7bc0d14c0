"""The cookie of a login in a browser, and how pages set cookies.

The value is a token of the plugin that authenticates: for `customer_auth`, the refresh token of a login. See
docs/decisions/0082.
"""

from __future__ import annotations

from typing import Final

from pyramid.request import Request
from pyramid.response import Response
from webob.cookies import make_cookie

from autonomy_core.tenancy.hosts import is_loopback
from autonomy_core.traversal.addressing import is_page

SESSION: Final = "session"

LONGEST_TOKEN: Final = 1024
"""In characters. Longer values of the cookie are ignored."""


def cookie_name(request: Request, what: str) -> str:
    """Return the name of a cookie of the request's organisation: ``__Host-session-acme``.

    Browsers take a name with this prefix only with ``Secure``, for the whole host, and from the host itself
    (RFC 6265bis, section 4.1.3.2). They do not take it over plain HTTP from a developer's own machine, where
    it has no prefix.

    Args:
        request: the request of a page of an organisation.
        what: ``session`` or ``visitor``.
    """
    prefix = "" if is_on_own_machine(request) else "__Host-"
    return f"{prefix}{what}-{request.organisation.id}"


def is_on_own_machine(request: Request) -> bool:
    """Whether a request comes over plain HTTP to a loopback address."""
    return request.scheme == "http" and is_loopback(request.host)


def session_token(request: Request) -> str | None:
    """Return the token in the session cookie of a page; None without one, and for all requests of the API.

    Args:
        request: the request; authenticators call this.
    """
    if request.organisation is None or not is_page(request):
        return None
    found: str | None = request.cookies.get(cookie_name(request, SESSION))
    return found if found and found.isascii() and len(found) <= LONGEST_TOKEN else None


def begin_session(request: Request, token: str, seconds: int) -> None:
    """Let the browser send a token with all later requests of pages of this organisation.

    Args:
        request: the request of a page.
        token: a new one, which no client had before.
        seconds: for how long.
    """
    add_cookie(request, cookie_name(request, SESSION), token, seconds, even_after_errors=False)


def end_session(request: Request) -> None:
    """Let the browser forget the token. The caller has ended its login."""
    add_cookie(request, cookie_name(request, SESSION), None, 0)


def add_cookie(
    request: Request, name: str, value: str | None, seconds: int | None, *, even_after_errors: bool = True
) -> None:
    """Set a cookie that no script can read, for the whole host.

    Args:
        request: the request; its answer gets the cookie, whatever makes the answer.
        name: its name.
        value: its value; None removes it.
        seconds: for how long; None until the browser is closed.
        even_after_errors: whether the answer gets it if the request fails and its transaction is rolled back.
    """
    header = make_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        secure=not is_on_own_machine(request),
        httponly=True,
        samesite="Lax",
    )

    def add(_: Request, response: Response) -> None:
        if even_after_errors or response.status_int < 400:
            response.headerlist.append(("Set-Cookie", header))

    request.add_response_callback(add)
