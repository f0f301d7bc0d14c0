"""Creates the runtime of a process, for the web application, the worker and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import make_url

import autonomy_core.models  # noqa: F401 - the metadata has the tables of models that were imported
from autonomy_core import registrations
from autonomy_core.accounting.services import balances_of
from autonomy_core.backup.stores import stored_files_of
from autonomy_core.coupons import redemption
from autonomy_core.customers.changing import unsubscribe_url_of_mail
from autonomy_core.db.components import Migrations
from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import core_migrations
from autonomy_core.kernel.hooks import PluginSettings
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.mail.registrations import mail_checks_of, usable_mailers
from autonomy_core.pages.registrations import parts_of
from autonomy_core.payments.references import customer_of_reference
from autonomy_core.settings import Settings, load_settings, rules_of
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.schemas import CORE_SECTIONS
from autonomy_core.webhooks.timeline import events_of

APPLICATION_ROLE = "autonomy_app"
"""The embedded server's role for requests and jobs. It owns no tables, so all policies apply to it."""

DATABASE_NAME = "autonomy"

TENANT_INDEX = "tenants-index.json"
"""The file in the data directory that lets a starting process skip reading all organisations' files."""


def make_runtime(raw_settings: Mapping[str, Any], plugins: Plugins | None = None) -> Runtime:
    """Create the runtime. Nothing is connected to yet, so ``proutes`` works without a database.

    Args:
        raw_settings: the keys of ``[app:main]``.
        plugins: the plugins; by default all that are installed.

    Raises:
        SettingsError, PluginError: with the remedy.
    """
    plugins = plugins or Plugins.from_entry_points()
    settings, offered = _settings(raw_settings, plugins)
    database, embedded = _database(settings)
    mail_templates = registrations.mail_templates_of(plugins)
    webhook_sources = registrations.webhook_sources_of(plugins)
    return Runtime(
        settings=settings,
        plugins=plugins,
        tenants=_tenants(settings, plugins, offered, mail_templates),
        database=database,
        embedded=embedded,
        providers=registrations.providers_of(plugins),
        kinds=registrations.kinds_of(plugins),
        jobs=registrations.jobs_of(plugins, webhook_sources),
        components=partial(components, plugins),
        discounts=redemption,
        checks=tuple(plugins.offered("register_checks", "check")),
        pages=parts_of(plugins),
        webhook_sources=webhook_sources,
        histories=(events_of, balances_of),
        moves=registrations.MOVES,
        mail_templates=mail_templates,
        mailers=usable_mailers(plugins, settings),
        unsubscribe_url=unsubscribe_url_of_mail,
        image_processors=registrations.image_processors_of(plugins, settings),
        deliveries=registrations.deliveries_of(plugins, settings),
        media_formats=registrations.media_formats_of(plugins),
        stored_files=stored_files_of(plugins),
        personal_data=registrations.personal_data_of(plugins),
        customer_finders=(customer_of_reference,),
        free_texts=registrations.FREE_TEXTS,
        flushes=registrations.flushes_of(plugins),
        scopes=registrations.scopes_of(plugins),
        role_scopes=registrations.role_scopes_of(plugins),
    )


def _settings(raw: Mapping[str, Any], plugins: Plugins) -> tuple[Settings, Mapping[str, PluginSettings]]:
    """The server's settings, and what each plugin has registered for its own."""
    offered = dict.fromkeys(plugins.names, PluginSettings()) | dict(plugins.registered("register_settings"))
    return load_settings(raw, {name: offered[name].server for name in plugins.names}), offered


def _refuse_names_of_sections(plugins: Plugins) -> None:
    for name in sorted(CORE_SECTIONS.keys() & set(plugins.names)):
        raise PluginError(
            f"plugin {name}: [{name}] is a section of the core in organisations' files; call the plugin "
            "something else"
        )


def _tenants(
    settings: Settings,
    plugins: Plugins,
    offered: Mapping[str, PluginSettings],
    mail_templates: Mapping[str, MailTemplate],
) -> TenantRegistry:
    _refuse_names_of_sections(plugins)
    return TenantRegistry(
        settings.tenants,
        {name: offered[name].organisation for name in plugins.names},
        index=settings.data / TENANT_INDEX,
        rules=rules_of(settings),
        mail_checks=mail_checks_of(plugins, mail_templates),
    )


def components(plugins: Plugins) -> list[Migrations]:
    """The core's migrations and every plugin's, in the order in which they are applied."""
    return [core_migrations(), *(migrations for _, migrations in plugins.registered("register_migrations"))]


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The database server that is used where ``sqlalchemy.url`` names none."""
    return EmbeddedServer(
        data_dir=settings.data / "postgresql", bin_dir=settings.embedded_bin_dir, fast=settings.embedded_fast
    )


def _database(settings: Settings) -> tuple[Database, EmbeddedServer | None]:
    if settings.database_url is not None:
        url = make_url(settings.database_url).set(drivername="postgresql+psycopg")
        return Database(url.render_as_string(hide_password=False), pool_size=settings.pool_size), None
    server = embedded_server(settings)
    url_text = server.url(DATABASE_NAME, APPLICATION_ROLE)
    return Database(url_text, pool_size=settings.pool_size, before_connect=server.run_with_process), server
