"""The headers of pages: what a browser may load, run, embed and tell others. See docs/decisions/0082."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.web.problems import CONTENT_TYPE

POLICY: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "manifest-src": "'self'",
    "media-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "require-trusted-types-for": "'script'",
}
"""Content Security Policy 3, and Trusted Types: files of this host, and nothing inline."""

OPEN: Final = frozenset({"connect-src", "form-action", "frame-ancestors", "img-src", "media-src"})
"""The directives to which a view may add origins."""

HEADERS: Final[Mapping[str, str]] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not `no-referrer`: browsers would send `Origin: null` with forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

CSP: Final = "Content-Security-Policy"
NO_STORE: Final = "no-store"

_ADDED: Final = "autonomy.pages.policy"
_ORIGIN: Final = re.compile(r"https?://(?:\*\.)?(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def allow(request: Request, directive: str, *origins: str) -> None:
    """Allow other origins for one page, for example the checkout to which a form leads.

    Browsers check the redirects after a form as well. ``frame-ancestors`` lets pages of these origins embed
    the page.

    Args:
        request: the request of the page.
        directive: one of `OPEN`.
        origins: such as ``https://checkout.example``.

    Raises:
        ValueError: the directive is closed, or an origin is not one.
    """
    if directive not in OPEN:
        raise ValueError(f"no origin can be added to {directive}")
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin")
    request.__dict__.setdefault(_ADDED, {}).setdefault(directive, []).extend(origins)


def policy_of(request: Request) -> str:
    """Return the policy of a page, with what its view has allowed."""
    added: Mapping[str, list[str]] = request.__dict__.get(_ADDED, {})
    if not added:
        return _CLOSED
    return _policy({name: [*_sources(name, added), *added.get(name, ())] for name in POLICY})


def _sources(name: str, added: Mapping[str, list[str]]) -> list[str]:
    # 'none' stands alone.
    return [] if name in added and POLICY[name] == "'none'" else [POLICY[name]]


def _policy(directives: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


_CLOSED: Final = _policy({name: [source] for name, source in POLICY.items()})


def protect(request: Request, response: Response) -> None:
    """Add the headers that every answer at the path of a page has. A problem is no page with forms."""
    headers = response.headers
    if response.content_type == CONTENT_TYPE:
        headers.setdefault("Referrer-Policy", "no-referrer")
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault(CSP, policy_of(request))
    headers.setdefault("Cache-Control", NO_STORE)
    days = runtime_of(request.registry).settings.hsts_days
    if days and request.scheme == "https":
        headers["Strict-Transport-Security"] = f"max-age={days * 24 * 3600}"
