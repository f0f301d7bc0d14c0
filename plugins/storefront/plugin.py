"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence

from pyramid.config import Configurator

from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.pages import MenuEntry, PageFiles, _
from autonomy_core.plugin_api.resources import Site
from storefront.resources import Releases
from storefront.settings import OrganisationSettings


@hookimpl
def register_settings() -> PluginSettings:
    """How much a page of the shop shows."""
    return PluginSettings(organisation=OrganisationSettings)


@hookimpl
def register_views(config: Configurator) -> None:
    """The shop, and its releases."""
    config.add_child(Site, "releases", Releases)
    config.scan("storefront.views")


@hookimpl
def register_pages() -> PageFiles:
    """Templates, texts and slots."""
    slots = {
        "storefront.shop": "below the releases of the shop's first page",
        "storefront.release": "below the tracks of a release; `product` is the release",
    }
    return PageFiles("storefront", slots=slots)


@hookimpl
def register_menu() -> Sequence[MenuEntry]:
    """The way back to all releases."""
    return [MenuEntry("main", _("Releases"), order=10)]
