"""The process's collaborators, put together once. The web application, the worker and the command line share it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from marshmallow import Schema
from sqlalchemy import make_url

import autonomy_core.models  # noqa: F401 - the metadata knows the tables of models that were imported
from autonomy_core.catalog.bundles import Bundle
from autonomy_core.coupons import redemption
from autonomy_core.db.database import Database
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.migrations import Migrations, core_migrations
from autonomy_core.idempotency import jobs as idempotency
from autonomy_core.kernel.hooks import PluginSettings
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.manager import PluginError, Plugins
from autonomy_core.kernel.protocols import PaymentProvider, ProductKind
from autonomy_core.kernel.runtime import Runtime
from autonomy_core.payments import jobs as payments
from autonomy_core.settings import Settings, load_settings, rules_of
from autonomy_core.tenancy.registry import TenantRegistry

APPLICATION_ROLE = "autonomy_app"
"""The database role that requests and jobs use in the embedded server: it owns nothing and obeys every policy."""

DATABASE_NAME = "autonomy"

TENANT_INDEX = "tenants-index.json"
"""The file, in the data directory, that spares a process that starts to read all organisations' files."""


def make_runtime(raw_settings: Mapping[str, Any], plugins: Plugins | None = None) -> Runtime:
    """Put the collaborators together. Nothing is connected to yet, so that ``proutes`` needs no database.

    Args:
        raw_settings: the keys of ``[app:main]``.
        plugins: by default those that are installed.

    Raises:
        SettingsError, PluginError: with what to do about it.
    """
    # A model's foreign keys are looked up by name, in the metadata of whatever has been imported.

    plugins = plugins or Plugins.from_entry_points()
    offered: dict[str, PluginSettings] = {name: PluginSettings() for name in plugins.names}
    offered.update(plugins.registered("register_settings"))
    settings = load_settings(raw_settings, {name: offered[name].server for name in plugins.names})
    database, embedded = _database(settings)
    tenant_schemas: dict[str, type[Schema] | None] = {
        name: offered[name].organisation for name in plugins.names
    }
    tenants = TenantRegistry(
        settings.tenants, tenant_schemas, index=settings.data / TENANT_INDEX, rules=rules_of(settings)
    )
    return Runtime(
        settings=settings,
        plugins=plugins,
        tenants=tenants,
        database=database,
        embedded=embedded,
        providers=_providers(plugins),
        kinds=_kinds(plugins),
        jobs=_jobs(plugins),
        components=partial(components, plugins),
        discounts=redemption,
        checks=tuple(plugins.offered("register_checks", "check")),
        flushes=tuple(flush for _, flush in plugins.offered("register_flushes", "flush")),
        scopes=_scopes(plugins),
    )


def components(plugins: Plugins) -> list[Migrations]:
    """The core's migrations and every plugin's, in the order in which they are applied."""
    return [core_migrations(), *(migrations for _, migrations in plugins.registered("register_migrations"))]


def _kinds(plugins: Plugins) -> tuple[tuple[str | None, ProductKind], ...]:
    bundle = Bundle()
    offered = plugins.offered("register_product_kinds", "product kind", taken=[bundle.name], prefixed=False)
    return (*offered, (None, bundle))


def _scopes(plugins: Plugins) -> dict[str, str]:
    offered = plugins.offered("register_scopes", "scope", taken=SCOPES)
    return {**SCOPES, **{scope.name: scope.allows for _, scope in offered}}


def _providers(plugins: Plugins) -> dict[str, PaymentProvider]:
    """By the name that is stored with their payments, and by which they are found again."""
    found: dict[str, PaymentProvider] = dict(plugins.registered("register_payment_provider"))
    for plugin, provider in found.items():
        if provider.name != plugin:
            raise PluginError(f"plugin {plugin}: its payment provider calls itself {provider.name!r}")
    return found


def _jobs(plugins: Plugins) -> tuple[Job, ...]:
    core = (*payments.JOBS, *idempotency.JOBS)
    offered = plugins.offered("register_jobs", "job", taken=[job.name for job in core])
    return (*core, *(job for _, job in offered))


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
