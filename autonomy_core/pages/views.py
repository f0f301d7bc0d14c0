"""Static files, and the page that shows the design system."""

from __future__ import annotations

from typing import Any, Final

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from autonomy_core.errors import NotFound
from autonomy_core.kernel.pages import _
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.pages.assets import Asset
from autonomy_core.pages.design import tokens
from autonomy_core.pages.operations import page_view
from autonomy_core.pages.rendering import Renderer
from autonomy_core.pages.resources import StyleGuide
from autonomy_core.traversal.resources import Site
from autonomy_core.web.operations import PUBLIC

FOREVER: Final = "public, max-age=31536000, immutable"
"""RFC 8246: the hash in the URL changes with the content."""

ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A browser that opens a picture of a theme as a page runs and loads nothing."""


def static_file(context: Any, request: Request) -> Response:
    """``GET /static/pages/{package}/{hash}/{name}``"""
    renderer: Renderer = request.registry.page_renderer
    found, names = request.matchdict, "/".join(request.matchdict["name"])
    return _answer(renderer.assets.find(found["package"], found["hash"], names))


def theme_file(context: Any, request: Request) -> Response:
    """``GET /static/theme/{organisation}/{hash}/{name}``"""
    found = request.matchdict
    organisation = runtime_of(request.registry).tenants.get(found["organisation"])
    if organisation is None:
        raise NotFound
    renderer: Renderer = request.registry.page_renderer
    response = _answer(renderer.assets.find_in_theme(organisation, found["hash"], found["name"]))
    response.headers["Content-Security-Policy"] = ALONE
    return response


def _answer(asset: Asset | None) -> Response:
    """Answer with a file.

    Raises:
        NotFound: there is none.
    """
    if asset is None:
        raise NotFound
    # The character set is part of the type of texts only.
    charset = "utf-8" if asset.media_type.startswith("text/") else None
    response = Response(body=asset.content, content_type=asset.media_type, charset=charset)
    response.headers["Cache-Control"] = FOREVER if asset.is_present else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@page_view(
    context=StyleGuide,
    template="pages/style_guide.html",
    title=_("Style guide"),
    permission=PUBLIC,
)
def style_guide(context: StyleGuide, request: Request) -> dict[str, Any]:
    """All custom properties and components, as this organisation's theme shows them."""
    return {"tokens": tokens()}


def includeme(config: Configurator) -> None:
    """Add static files, and the page."""
    for name, path, view in (
        ("pages.static", "/static/pages/{package}/{hash}/*name", static_file),
        ("pages.theme", "/static/theme/{organisation}/{hash}/{name}", theme_file),
    ):
        config.add_route(name, path)
        config.add_view(
            view, route_name=name, request_method=("GET", "HEAD"), permission=NO_PERMISSION_REQUIRED
        )
    config.add_child(Site, "style-guide", StyleGuide)
    config.scan(__name__)
