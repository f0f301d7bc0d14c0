"""The process's collaborators, put together once. The web application, the worker and the command line share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema
from sqlalchemy import make_url
from transaction.interfaces import ITransactionManager

from autonomy_core.db.database import LONGEST_PAUSE_S, LONGEST_STATEMENT_S, Database
from autonomy_core.db.direct import DirectTransaction
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.group_commit import GroupCommit
from autonomy_core.db.migrations import Migrations
from autonomy_core.db.own_transactions import keeping_refusals
from autonomy_core.db.session import TenantSession
from autonomy_core.jobs.domain import Job
from autonomy_core.plugin_api.hooks import PluginSettings
from autonomy_core.plugin_api.manager import PluginError, Plugins
from autonomy_core.plugin_api.protocols import Flush, PaymentProvider, ProductKind
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.security.domain import SCOPES
from autonomy_core.settings import Settings, load_settings
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.findings import OrganisationCheck
from autonomy_core.tenancy.registry import TenantRegistry
from autonomy_core.tenancy.rules import rules_of

APPLICATION_ROLE = "autonomy_app"
"""The database role that requests and jobs use in the embedded server: it owns nothing and obeys every policy."""

DATABASE_NAME = "autonomy"

TENANT_INDEX = "tenants-index.json"
"""The file, in the data directory, that spares a process that starts to read all organisations' files."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every request and job of a process shares.

    Attributes:
        embedded: the embedded database server, or None where ``sqlalchemy.url`` names another.
        kinds: each with its plugin, None for the core.
        scopes: what an API key may have, each with what it allows; the core's and the plugins'.
    """

    settings: Settings
    plugins: Plugins
    tenants: TenantRegistry
    database: Database
    embedded: EmbeddedServer | None
    providers: Mapping[str, PaymentProvider]
    kinds: tuple[tuple[str | None, ProductKind], ...]
    jobs: tuple[Job, ...]
    checks: tuple[tuple[str, OrganisationCheck], ...] = ()
    flushes: tuple[Flush, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=lambda: SCOPES)
    group_commit: GroupCommit = field(default_factory=GroupCommit)

    def scope(
        self, organisation: Organisation, transaction: TenantSession | DirectTransaction | None
    ) -> TenantScope:
        """The scope of an organisation, in a transaction that somebody else commits."""
        return TenantScope(organisation, transaction, self.plugins.hooks_for(organisation.plugins), self)

    def scope_outside(self, organisation: Organisation) -> TenantScope:
        """The scope of an organisation in no transaction, for whoever begins one with `transaction`."""
        return self.scope(organisation, None)

    def request_scope(self, organisation: Organisation, manager: ITransactionManager) -> TenantScope:
        """The scope of a request; its transaction manager commits it."""
        return self.scope(organisation, self.database.session(organisation.id, manager))

    @contextmanager
    def transaction(
        self, organisation: Organisation, *, patience_s: float | None = None
    ) -> Iterator[TenantScope]:
        """A scope in a transaction of its own: committed at the end, rolled back on an exception.

        Args:
            patience_s: how long a statement may take, or wait for a lock; None leaves it to the server.
        """
        with keeping_refusals(self.database.transaction(organisation.id, patience_s=patience_s)) as session:
            yield self.scope(organisation, session)

    @contextmanager
    def between_transactions(self, organisation: Organisation) -> Iterator[TenantScope]:
        """A scope for a provider that is called between transactions, and is to begin its own.

        What the provider writes in the scope's session nevertheless is committed when it returns, before the core
        goes on, so that the core never waits for it.
        """
        with self.database.session(organisation.id) as session:
            yield self.scope(organisation, session)
            session.commit()

    @contextmanager
    def direct_transaction(
        self,
        organisation: Organisation,
        *,
        patience_s: float = LONGEST_STATEMENT_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> Iterator[TenantScope]:
        """As `transaction`, for a hot path; see `autonomy_core.db.direct`.

        Args:
            patience_s: how long a statement may take, or wait for a lock.
            longest_pause_s: how long it may do nothing before PostgreSQL ends it.
        """
        limits = {"patience_s": patience_s, "longest_pause_s": longest_pause_s}
        with keeping_refusals(self.database.direct_transaction(organisation.id, **limits)) as transaction:
            yield self.scope(organisation, transaction)

    @property
    def own_hosts(self) -> frozenset[str]:
        """The hosts on which every organisation is reached by its path."""
        default = self.settings.default_organisation
        organisation = self.tenants.get(default) if default else None
        return frozenset({*self.settings.hosts, *(organisation.hosts if organisation else ())})

    def payment_provider_for(self, organisation: Organisation) -> PaymentProvider | None:
        """The provider of the first enabled plugin that has one."""
        return next((self.providers[name] for name in organisation.plugins if name in self.providers), None)

    def product_kinds_for(self, organisation: Organisation) -> dict[str, ProductKind]:
        """What the organisation can deliver, by the kind's name."""
        enabled = (None, *organisation.plugins)
        return {kind.name: kind for plugin, kind in self.kinds if plugin in enabled}

    def checks_for(self, organisation: Organisation) -> list[OrganisationCheck]:
        """The checks of the organisation's plugins."""
        return [check for plugin, check in self.checks if plugin in organisation.plugins]

    def close(self) -> None:
        """Give back what the process holds."""
        self.tenants.stop()
        self.database.dispose()


def make_runtime(raw_settings: Mapping[str, Any], plugins: Plugins | None = None) -> Runtime:
    """Put the collaborators together. Nothing is connected to yet, so that ``proutes`` needs no database.

    Args:
        raw_settings: the keys of ``[app:main]``.
        plugins: by default those that are installed.

    Raises:
        SettingsError, PluginError: with what to do about it.
    """
    # A model's foreign keys are looked up by name, in the metadata of whatever has been imported.
    import autonomy_core.db.models  # noqa: F401

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
        checks=tuple(plugins.offered("register_checks", "check")),
        flushes=tuple(flush for _, flush in plugins.offered("register_flushes", "flush")),
        scopes=_scopes(plugins),
    )


def components(plugins: Plugins) -> list[Migrations]:
    """The core's migrations and every plugin's, in the order in which they are applied."""
    import autonomy_core.db.models  # noqa: F401 - the metadata knows the tables of models that were imported
    from autonomy_core.db.migrations import core_migrations

    return [core_migrations(), *(migrations for _, migrations in plugins.registered("register_migrations"))]


def _kinds(plugins: Plugins) -> tuple[tuple[str | None, ProductKind], ...]:
    from autonomy_core.catalog.bundles import Bundle

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
    from autonomy_core.idempotency import jobs as idempotency
    from autonomy_core.payments import jobs as payments

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
