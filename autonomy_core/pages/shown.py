"""What every template knows as ``page``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from babel import Locale
from markupsafe import Markup
from pyramid.csrf import get_csrf_token
from pyramid.request import Request

from autonomy_core.kernel.pages import MenuEntry, Message, PageFiles, PageParts, always
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.urls import NoHost, site_url
from autonomy_core.languages import Language
from autonomy_core.pages.assets import Assets
from autonomy_core.pages.catalogues import Texts
from autonomy_core.pages.negotiation import NAME
from autonomy_core.pages.sessions import session_token
from autonomy_core.pages.visitors import MARK
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.traversal.request import scope_of


class Link(NamedTuple):
    """A link of a menu.

    Attributes:
        title: what it says.
        url: where it leads.
        is_current: whether it leads to the page that shows it.
        language: of the title, if it is another one than that of the page.
    """

    title: str
    url: str
    is_current: bool
    language: str | None = None


class Shop(NamedTuple):
    """The organisation, as its pages name it.

    Attributes:
        name: its name.
        support: the address where customers get help; None for none.
        currency: of its prices, by default.
    """

    name: str
    support: str | None
    currency: str


class Maker(Protocol):
    """What a page needs of `autonomy_core.pages.rendering.Renderer`."""

    parts: PageParts
    assets: Assets
    texts: Mapping[str, Texts]
    languages: tuple[str, ...]

    def files_of(self, organisation: Organisation) -> Sequence[PageFiles]:
        """The files of the organisation's plugins."""

    def part(self, request: Request, template: str, values: Mapping[str, Any]) -> Markup:
        """Render a template that is a part of a page."""


class Page:
    """A page that is being made. Templates read its attributes and call its methods.

    Args:
        request: the request.
        renderer: of the application.
        language: of the page.
        title: of the page.
        is_kept: whether all visitors get the page.
        is_error: whether the page says that something failed. Then it reads nothing from the database.

    Attributes:
        title, language, direction: of the page; the language is a tag.
        shop: the organisation; None on a host of no organisation.
        root: the path of the first page, with a slash at the end.
        zone: the time zone of dates.
        is_signed_in: whether the visitor is logged in, for what the page shows. Permissions decide the rest.
    """

    def __init__(
        self,
        request: Request,
        renderer: Maker,
        language: Language,
        *,
        title: str,
        is_kept: bool = False,
        is_error: bool = False,
    ) -> None:
        self._request = request
        self._renderer = renderer
        self._language = language
        self._is_kept = is_kept
        self._is_error = is_error
        organisation = request.organisation
        self.title = title
        self.language, self.direction = language.wanted, language.direction
        self.shop = (
            Shop(organisation.name, organisation.support_email, organisation.currency)
            if organisation
            else None
        )
        self.root = root_of(request)
        self.zone = organisation.zone if organisation else ZoneInfo("UTC")
        self.is_signed_in = (
            not is_error and session_token(request) is not None and request.identity is not None
        )

    @property
    def full_title(self) -> str:
        """The title in the window of the browser, with the name of the organisation."""
        if self.shop is None or self.title == self.shop.name:
            return self.title
        return f"{self.title} · {self.shop.name}"

    def path(self, *segments: str, **query: Any) -> str:
        """The path of a page of the organisation: ``page.path("releases", slug, q=words)``."""
        path = self.root + "/".join(quote(str(each), safe="") for each in segments)
        parameters = {name: value for name, value in query.items() if value is not None}
        return f"{path}?{urlencode(parameters)}" if parameters else path

    def static(self, package: str, name: str) -> str:
        """The path of a static file of ``pages``, which is the core's, or of a plugin."""
        return self._request.script_name + self._renderer.assets.path(package, name)

    @property
    def theme_css(self) -> str | None:
        """The path of the style sheet of the theme; None without one."""
        return self._of_theme("theme.css")

    @property
    def logo(self) -> str | None:
        """The path of the logo; None without one."""
        return next(filter(None, map(self._of_theme, ("logo.svg", "logo.webp", "logo.png"))), None)

    def _of_theme(self, name: str) -> str | None:
        organisation = self._request.organisation
        if organisation is None or name not in organisation.theme:
            return None
        return self._request.script_name + self._renderer.assets.path_of_theme(organisation, name)

    @property
    def canonical(self) -> str | None:
        """The URL of this page on the organisation's first host, without a query; None without a host.

        It depends on declared hosts only, so that no sender of a request chooses it.
        """
        return self.absolute(self._request.path_info[len(self.root) - len(self._request.script_name) :])

    def absolute(self, path: str = "") -> str | None:
        """The URL of a path below the first page, on the organisation's first host; None without a host."""
        organisation = self._request.organisation
        if organisation is None:
            return None
        try:
            return f"{site_url(runtime_of(self._request.registry).scope_outside(organisation))}{quote(path)}"
        except NoHost:
            return None

    def menu(self, place: str) -> list[Link]:
        """The links of a menu that the visitor sees."""
        organisation = self._request.organisation
        return list(self._links(place)) if organisation is not None else []

    def _links(self, place: str) -> Iterator[Link]:
        plugins: Sequence[str] = self._request.organisation.plugins
        for plugin, entry in self._renderer.parts.menu:
            if entry.place != place or not (plugin is None or plugin in plugins):
                continue
            if self._is_shown(entry):
                url = self.path(*entry.path)
                yield Link(self._text(entry.title), url, url == path_of(self._request))

    def _is_shown(self, entry: MenuEntry) -> bool:
        if entry.shown is always:
            return True
        identity = self._request.identity if self.is_signed_in else None
        return not self._is_error and entry.shown(scope_of(self._request), identity)

    def slot(self, name: str, **values: Any) -> Markup:
        """What plugins show in a slot."""
        shown = Markup()
        plugins: Sequence[str] = self._request.organisation.plugins
        for plugin, content in self._renderer.parts.contents:
            if content.slot == name and plugin in plugins:
                found: Mapping[str, Any] | None = content.values(scope_of(self._request), values)
                if found is not None:
                    shown += self._renderer.part(self._request, content.template, {**found, "page": self})
        return shown

    @property
    def csrf_token(self) -> Any:
        """The token that each form that posts needs: use the macro ``csrf`` of ``pages/forms.html``."""
        if self._is_kept:
            return MARK
        return get_csrf_token(self._request)

    @property
    def sign_out(self) -> str | None:
        """The path to which a form is sent that ends the login; None if the visitor is not logged in."""
        if not self.is_signed_in:
            return None
        found = self._renderer.files_of(self._request.organisation)
        return next((self.path(each.sign_out) for each in found if each.sign_out), None)

    @property
    def languages(self) -> list[Link]:
        """The page in the languages of the catalogues."""
        return [
            Link(
                Locale.parse(tag, sep="-").get_display_name() or tag,
                f"{path_of(self._request)}?{urlencode({NAME: tag})}",
                is_current=tag == self._language.tag,
                language=tag,
            )
            for tag in self._renderer.languages
        ]

    def _text(self, text: Message) -> str:
        return self._renderer.texts[self._language.tag].text(text)


def root_of(request: Request) -> str:
    """The path of the first page of the request's organisation, with a slash at the end."""
    organisation, base = request.organisation, request.script_name
    is_named = organisation is not None and request.path_info.split("/")[1:2] == [organisation.id]
    return f"{base}/{organisation.id}/" if is_named else f"{base}/"


def path_of(request: Request) -> str:
    """The path of a request as it was sent, without the query; ``/`` if it is not valid UTF-8.

    It has one slash at its start: browsers would take ``//name`` for another host.
    """
    try:
        return f"/{request.path.lstrip('/')}"
    except UnicodeDecodeError:
        return "/"
