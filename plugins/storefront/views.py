"""The pages of the shop."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request
from pyramid.response import Response

from autonomy_core.plugin_api.catalog import shown_product, shown_products
from autonomy_core.plugin_api.operations import PUBLIC
from autonomy_core.plugin_api.pages import _, page_view, redirect
from autonomy_core.plugin_api.resources import Site
from storefront.domain import discs_of, duration_of
from storefront.resources import Release, Releases
from storefront.schemas import ShopQuery
from storefront.settings import PLUGIN


@page_view(
    context=Site,
    template="storefront/shop.html",
    title=_("Releases"),
    permission=PUBLIC,
    query=ShopQuery,
    kept=True,
)
def shop(context: Site, request: Request) -> dict[str, Any]:
    """All releases, or those that a visitor looks for."""
    settings = context.scope.settings(PLUGIN)
    query = {**request.query, "limit": settings["per_page"]}
    page = shown_products(context, query)
    return {
        "releases": page["items"],
        "next": page["next"],
        "query": query,
        "is_filtered": any(query[name] is not None for name in ("q", "tag", "artist")),
        "tagline": settings["tagline"],
    }


@page_view(context=Releases, template="storefront/shop.html", title=_("Releases"), permission=PUBLIC)
def releases(context: Releases, request: Request) -> Response:
    """The address above all releases leads to the list of them."""
    return redirect(request)


@page_view(
    context=Release,
    template="storefront/release.html",
    title=_("Release"),
    permission=PUBLIC,
    kept=True,
)
def release(context: Release, request: Request) -> dict[str, Any] | Response:
    """A release that visitors see. A former slug leads to the present one."""
    slug = context.product.shown.slug
    if context.__name__ != slug:
        return redirect(request, "releases", slug)
    product = shown_product(context, context.product)
    return {
        "title": product.title,
        "product": product,
        "discs": discs_of(product.tracks),
        "duration_ms": duration_of(product.tracks),
    }
