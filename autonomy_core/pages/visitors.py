"""Protects forms against requests of other sites: tokens, and the origin of a request.

A token is an HMAC of a cookie: of the session's, or of a random one that a visitor gets with the first form.
Nothing is stored. A page that is kept for all visitors has `MARK` in place of the token.
"""

from __future__ import annotations

import hmac
import secrets
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from pyramid.config import Configurator
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from pyramid.response import Response
from zope.interface import implementer

from autonomy_core.errors import NotAllowed
from autonomy_core.kernel.keys import derive_key
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.pages.sessions import add_cookie, cookie_name, session_token
from autonomy_core.traversal.request import KEPT_PAGE

FIELD: Final = "csrf_token"
HEADER: Final = "X-CSRF-Token"
VISITOR: Final = "visitor"
PURPOSE: Final = "pages.forms"

MARK: Final = f"token-of-the-visitor-{secrets.token_hex(16)}"
"""What kept pages of this process have in place of a token. It is random: no text contains it by design."""

LONGEST_VISITOR: Final = 64

_VISITOR: Final = "autonomy.pages.visitor"
_VISITOR_PART: Final = "autonomy.pages.visitor_part"
_OWN_SITES: Final = frozenset({None, "same-origin", "none"})


class ForeignForm(NotAllowed):
    """A page of another site has sent the form."""

    code, title = "foreign_form", "The form was sent by a page of another site"


@implementer(ICSRFStoragePolicy)
class DerivedTokens:
    """Derives the tokens of forms from cookies. Pyramid calls it."""

    def new_csrf_token(self, request: Request) -> str:
        """The token of the request's cookie: a login and a logout change the cookie."""
        return self.get_csrf_token(request)

    def get_csrf_token(self, request: Request) -> str:
        """The token for the forms of a page. A visitor without a cookie gets one."""
        return _token(_keys(request)[0], _bound_to(request) or f"{VISITOR}:{_new_visitor(request)}")

    def check_csrf_token(self, request: Request, supplied_token: str) -> bool:
        """Whether a form has the token of the cookie that came with it."""
        bound_to = _bound_to(request)
        # A part of a form that has a file name is no text.
        if bound_to is None or not isinstance(supplied_token, str) or not supplied_token.isascii():
            return False
        return any(hmac.compare_digest(_token(key, bound_to), supplied_token) for key in _keys(request))


def _bound_to(request: Request) -> str | None:
    """What the token of a request's cookies is derived from; None without such a cookie."""
    session = session_token(request)
    if session is not None:
        return f"session:{session}"
    visitor = request.cookies.get(cookie_name(request, VISITOR), "")
    return f"{VISITOR}:{visitor}" if 0 < len(visitor) <= LONGEST_VISITOR and visitor.isascii() else None


def _new_visitor(request: Request) -> str:
    """A random value, which the visitor gets as a cookie until the browser is closed. One for a request."""
    found: str | None = request.__dict__.get(_VISITOR)
    if found is None:
        found = request.__dict__[_VISITOR] = secrets.token_urlsafe(16)
        add_cookie(request, cookie_name(request, VISITOR), found, None)
    return found


def _token(key: bytes, bound_to: str) -> str:
    return hmac.new(key, bound_to.encode(), "sha256").hexdigest()


def _keys(request: Request) -> tuple[bytes, ...]:
    accepted = runtime_of(request.registry).settings.accepted_secrets
    return tuple(_key(secret.reveal(), request.organisation.id) for secret in accepted)


@lru_cache(maxsize=512)
def _key(secret: str, organisation_id: str) -> bytes:
    return derive_key(secret.encode(), organisation_id, PURPOSE)


def require_own_origin(request: Request) -> None:
    """Refuse a form that a page of another site has sent, before its body is read.

    Source: https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/

    Raises:
        ForeignForm
    """
    origin = request.headers.get("Origin")
    is_foreign = origin is not None and not _is_at(origin, request.host)
    if is_foreign or request.headers.get("Sec-Fetch-Site") not in _OWN_SITES:
        raise ForeignForm


def _is_at(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def read_condition(request: Request) -> None:
    """Take the visitor's part out of the entity tags that a browser sends; see `show_token`.

    A tag with the part of another cookie stays as it is, and so matches nothing.
    """
    sent = request.environ.get("HTTP_IF_NONE_MATCH")
    if sent and "." in sent and request.organisation is not None:
        bound_to = _bound_to(request)
        if bound_to is not None:
            part = _part(_token(_keys(request)[0], bound_to))
            request.environ["HTTP_IF_NONE_MATCH"] = sent.replace(f'{part}"', '"')
            request.__dict__[_VISITOR_PART] = part if part in sent else None


def show_token(request: Request, response: Response) -> None:
    """Replace `MARK` in a kept page by the token of the visitor.

    The entity tag gets a part that depends on the token, so that a browser with another cookie gets the page
    again. No other visitor may get the answer.
    """
    if not request.__dict__.get(KEPT_PAGE):
        return
    if response.status_int == 304:
        part = request.__dict__.get(_VISITOR_PART)
    elif MARK.encode() in response.body:
        token = DerivedTokens().get_csrf_token(request)
        response.body, part = response.body.replace(MARK.encode(), token.encode()), _part(token)
    else:
        part = None
    if part is not None and "ETag" in response.headers:
        response.headers["ETag"] = f'{response.headers["ETag"][:-1]}{part}"'
        response.headers["Cache-Control"] = "private, no-cache"


def _part(token: str) -> str:
    return f".{token[:16]}"


def includeme(config: Configurator) -> None:
    """Install the policy. `page_view` requires a token for each form; the API has no cookies."""
    config.set_csrf_storage_policy(DerivedTokens())
    config.set_default_csrf_options(require_csrf=False, token=FIELD, header=HEADER, check_origin=False)
