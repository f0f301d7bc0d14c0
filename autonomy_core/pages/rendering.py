"""Makes pages: chooses the language and the templates, and renders them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import structlog
from jinja2 import Environment
from markupsafe import Markup
from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.kernel.pages import Message, PageFiles, PageParts
from autonomy_core.languages import Language
from autonomy_core.pages.assets import Assets
from autonomy_core.pages.catalogues import Texts, texts_of
from autonomy_core.pages.filters import LANGUAGE
from autonomy_core.pages.headers import CSP, policy_of
from autonomy_core.pages.negotiation import language_of, remember_choice
from autonomy_core.pages.sessions import session_token
from autonomy_core.pages.shown import Page
from autonomy_core.pages.templates import Layer, Library, make_environment, templates_of_theme
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.traversal.request import KEPT_PAGE

log = structlog.get_logger(__name__)

KEPT_ENVIRONMENTS: Final = 128
"""How many combinations of plugins, theme and language a process keeps. Another one costs a millisecond."""


class Renderer:
    """Renders the templates of an application.

    Args:
        parts: what the core and the plugins have registered.
    """

    def __init__(self, parts: PageParts) -> None:
        self.parts = parts
        self.assets = Assets(parts)
        self.texts: Mapping[str, Texts] = texts_of(each.package for _, each in parts.files)
        self.languages = tuple(sorted(self.texts))
        self._library = Library(parts)
        self._environment_of = lru_cache(KEPT_ENVIRONMENTS)(self._make_environment)
        self._theme_of = lru_cache(KEPT_ENVIRONMENTS)(_theme)

    def language(self, request: Request) -> Language:
        """The language of the answer to a request."""
        return language_of(request, self.languages)

    def files_of(self, organisation: Organisation) -> list[PageFiles]:
        """The files of the organisation's plugins."""
        return [each for plugin, each in self.parts.files if plugin in organisation.plugins]

    def answer(
        self,
        request: Request,
        template: str,
        title: Message,
        values: Mapping[str, Any],
        *,
        status: int = 200,
        is_kept: bool = False,
        is_error: bool = False,
    ) -> Response:
        """Make the answer of a page.

        Args:
            request: the request.
            template: the name of the template.
            title: of the page; a value ``title`` replaces it.
            values: what the template shows.
            status: of the answer.
            is_kept: whether the page is the same for all visitors; a page for a session never is.
            is_error: see `Page`.
        """
        language = self.language(request)
        is_kept = is_kept and status == 200 and session_token(request) is None
        shown = self.texts[language.tag].text(values.get("title") or title)
        page = Page(request, self, language, title=shown, is_kept=is_kept, is_error=is_error)
        body = self._render(request.organisation, language, template, {**values, "page": page})
        remember_choice(request)
        response: Response = Response() if is_error else request.response
        response.status_int = status
        response.content_type, response.charset = "text/html", "utf-8"
        response.text = body
        response.headers["Content-Language"] = language.wanted
        response.headers[CSP] = policy_of(request)
        if is_kept:
            request.__dict__[KEPT_PAGE] = True
        return response

    def part(self, request: Request, template: str, values: Mapping[str, Any]) -> Markup:
        """Render a template that is a part of a page."""
        text = self._render(request.organisation, self.language(request), template, values)
        return Markup(text)  # noqa: S704 - the template escapes its values

    def _render(
        self, organisation: Organisation | None, language: Language, template: str, values: Mapping[str, Any]
    ) -> str:
        plugins = organisation.plugins if organisation else ()
        theme = self._theme_of(organisation) if organisation and organisation.theme else None
        if theme:
            try:
                return self._environment_of(plugins, theme, language).get_template(template).render(values)
            except Exception as error:  # noqa: BLE001 - a theme must not break a shop
                log.error(  # noqa: TRY400 - the traceback has a customer's values
                    "pages.theme_failed",
                    template=template,
                    error=type(error).__name__,
                    reason=_line_of(error),
                )
        return self._environment_of(plugins, None, language).get_template(template).render(values)

    def _make_environment(
        self, plugins: tuple[str, ...], theme: ThemeLayer | None, language: Language
    ) -> Environment:
        texts = self.texts[language.tag]
        translations = texts.translations
        made = make_environment(
            (theme.templates if theme else {}, *self._library.layers(plugins)),
            **{LANGUAGE: language},
            _=texts.text,
            about_field=texts.about_field,
        )
        install: Callable[..., None] = made.install_gettext_callables  # type: ignore[attr-defined]
        install(
            translations.gettext,
            translations.ngettext,
            newstyle=False,
            pgettext=translations.pgettext,
            npgettext=translations.npgettext,
        )
        made.globals["_"] = texts.text
        return made


class ThemeLayer:
    """The templates of one version of a theme. Equal to itself only, so that it is a key of caches."""

    def __init__(self, templates: Layer) -> None:
        self.templates = templates

    def __bool__(self) -> bool:
        return bool(self.templates)


def _theme(organisation: Organisation) -> ThemeLayer:
    return ThemeLayer(templates_of_theme(organisation.theme))


def _line_of(error: Exception) -> str | None:
    """The line of the template where an error was raised, without the message, which may quote values."""
    traceback, line = error.__traceback__, None
    while traceback is not None:
        if "__jinja_exception__" in traceback.tb_frame.f_globals:
            line = f"{traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line
