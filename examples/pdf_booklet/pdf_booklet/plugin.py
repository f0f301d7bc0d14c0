"""The plugin's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyramid.config import Configurator

from autonomy_core.plugin_api.files import StoredFiles
from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.jobs import Job
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.protocols import Authenticator
from autonomy_core.plugin_api.resources import AdminProduct, CustomerProduct
from pdf_booklet import services
from pdf_booklet.resources import AdminBooklet, CustomerBooklet
from pdf_booklet.settings import BOOKLETS, LINKS, PLUGIN, OrganisationSettings, ServerSettings

MINIMUM_API = (2, 0)
"""The version of `autonomy_core.plugin_api` that this plugin needs; older servers refuse the plugin."""


@hookimpl
def register_settings() -> PluginSettings:
    """How large booklets may be, for how long links are valid, when files are removed."""
    return PluginSettings(organisation=OrganisationSettings, server=ServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """The tables of booklets."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """``booklet``, below the products of the staff and of a customer."""
    config.add_child(AdminProduct, "booklet", AdminBooklet)
    config.add_child(CustomerProduct, "booklet", CustomerBooklet)
    config.scan("pdf_booklet.views")


@hookimpl
def register_authenticators() -> Sequence[Authenticator]:
    """Readers, by a signed link."""
    return [LINKS]


@hookimpl
def register_files() -> Sequence[StoredFiles]:
    """The booklets belong to a backup."""
    return [BOOKLETS]


@hookimpl
def register_jobs() -> Sequence[Job]:
    """Files that no booklet refers to are removed after a while."""
    return [Job("pdf_booklet.collect", services.collect, every=6 * 3600)]
