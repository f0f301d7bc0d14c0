"""The plugin's implementations of the core's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyramid.config import Configurator

from autonomy_core.plugin_api.hooks import PluginSettings, hookimpl
from autonomy_core.plugin_api.migrations import Migrations, plugin_migrations
from autonomy_core.plugin_api.protocols import Authenticator
from customer_auth import models  # noqa: F401 - makes the tables known to the migrations
from customer_auth.authenticator import AccessTokenAuthenticator
from customer_auth.settings import PLUGIN, OrganisationSettings, ServerSettings


@hookimpl
def register_settings() -> PluginSettings:
    """How long tokens live, how many attempts there are, how many hashes at once."""
    return PluginSettings(organisation=OrganisationSettings, server=ServerSettings)


@hookimpl
def register_migrations() -> Migrations:
    """Credentials, logins, refresh tokens, attempts."""
    return plugin_migrations(PLUGIN, Path(__file__).parent / "migrations")


@hookimpl
def register_views(config: Configurator) -> None:
    """``customers/register``, ``login``, ``refresh`` and ``logout``."""
    config.scan("customer_auth.views")


@hookimpl
def register_authenticators() -> Sequence[Authenticator]:
    """Customers, by their access token."""
    return [AccessTokenAuthenticator()]
