"""Chooses the language of a page: by ``lang`` in the query, a cookie, the browser, or the organisation."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

from pyramid.request import Request
from webob.acceptparse import AcceptLanguageValidHeader, create_accept_language_header

from autonomy_core.languages import Language, choose, locale_of, tag_of
from autonomy_core.pages.sessions import add_cookie

NAME: Final = "lang"
"""The name of the parameter, and of the cookie that it leaves."""

LONGEST: Final = 200
"""How many characters of ``Accept-Language`` are read; browsers send about 40."""

REMEMBERED_S: Final = 365 * 24 * 3600


def language_of(request: Request, available: Collection[str]) -> Language:
    """Return the language of the page that a request gets.

    Args:
        request: the request.
        available: the languages of the catalogues, as tags.
    """
    organisation = request.organisation
    header = request.headers.get("Accept-Language", "")[:LONGEST]
    own = organisation.locale if organisation else None
    return _language(tuple(available), chosen_in(request), request.cookies.get(NAME), header, own)


@lru_cache(maxsize=1024)
def _language(
    available: tuple[str, ...], chosen: str | None, cookie: str | None, header: str, own: str | None
) -> Language:
    return choose(available, chosen, cookie, *wishes(header), own)


def chosen_in(request: Request) -> str | None:
    """Return the tag of the language that the query chooses; None if it chooses none."""
    if f"{NAME}=" not in request.query_string:
        return None
    found: str | None = request.GET.get(NAME)
    locale = locale_of(found) if found else None
    # Not as it was sent: Babel passes over what follows a dot.
    return tag_of(locale) if locale else None


def wishes(header: str) -> tuple[str, ...]:
    """Return the languages that a browser wants, the most wanted first (RFC 9110, section 12.5.4).

    Args:
        header: the value of ``Accept-Language``.
    """
    read = create_accept_language_header(header)
    if not isinstance(read, AcceptLanguageValidHeader):
        return ()
    wanted = [(tag, quality) for tag, quality in read.parsed if quality and tag != "*"]
    return tuple(tag for tag, _ in sorted(wanted, key=lambda each: -each[1]))


def remember_choice(request: Request) -> None:
    """Let the browser send the language that the query has chosen with later requests."""
    chosen = chosen_in(request)
    if chosen is not None and request.cookies.get(NAME) != chosen:
        add_cookie(request, NAME, chosen, REMEMBERED_S)
