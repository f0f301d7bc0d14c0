"""The runtime of a process, which the web application, the worker and the command line use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.orm import InstrumentedAttribute
from transaction.interfaces import ITransactionManager

from autonomy_core.db.components import Migrations
from autonomy_core.db.database import IDLE_TIMEOUT_S, LONGEST_STATEMENT_S, Database
from autonomy_core.db.driver_transaction import DriverTransaction
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.group_commit import GroupCommit
from autonomy_core.db.own_transactions import keeping_refusals
from autonomy_core.db.session import TenantSession
from autonomy_core.kernel.checks import OrganisationCheck
from autonomy_core.kernel.delivery import FileDelivery
from autonomy_core.kernel.files import StoredFiles
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.images import ImageProcessor
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.mail import Mail, Mailer, MailTemplate, NotSent, UnsubscribeUrl
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.media import MediaFormat
from autonomy_core.kernel.pages import PageParts
from autonomy_core.kernel.personal_data import FindCustomer, Move, PersonalData
from autonomy_core.kernel.protocols import (
    Discounts,
    Flush,
    History,
    PaymentProvider,
    ProductKind,
)
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.kernel.webhooks import WebhookSource
from autonomy_core.settings import Settings
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.registry import TenantRegistry


def no_unsubscribe_url(scope: TenantScope, mail: Mail) -> str:
    """Refuse bulk mail: there is nothing that ends it."""
    raise NotSent("bulk mail needs a link that ends it")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The objects that all requests and jobs of a process share.

    Attributes:
        settings: the server's settings.
        plugins: the installed plugins.
        tenants: the organisations in service.
        database: the database.
        embedded: the embedded database server; None if ``sqlalchemy.url`` names another server.
        providers: the payment providers, by plugin name.
        kinds: pairs of plugin name (None for the core) and product kind.
        jobs: the jobs of the core and the plugins.
        components: returns the migrations of the core and the plugins, in the order in which they are
            applied.
        discounts: calculates discounts.
        webhook_sources: pairs of plugin name and source of webhooks.
        histories: what features above payments report of a payment, for its timeline.
        moves: what moves the rows of features above customers, when two customers are merged.
        personal_data: what the core's features and the plugins keep of customers.
        customer_finders: what finds customers by ids of other features, such as payments.
        free_texts: columns of texts that may quote an address, such as error messages.
        checks: pairs of plugin name and check.
        mail_templates: the templates of mail by name, of the core and the plugins.
        mailers: the ways to hand over mail, by name.
        unsubscribe_url: makes the link that ends bulk mail to a customer.
        image_processors: what decodes uploaded images, by name.
        deliveries: who else sends stored files, each with its plugin; None for those of the core.
        media_formats: pairs of plugin name (None for the core) and format of recordings.
        stored_files: pairs of plugin (for the core, of feature) and stored files.
        flushes: the plugins' collections of data to write periodically.
        scopes: the scopes of API keys by name, each with a description; of the core and the plugins.
        role_scopes: the roles of staff that have a plugin's scope, by scope.
        pages: what the core and the plugins have registered for pages.
        group_commit: groups concurrent transactions.
    """

    settings: Settings
    plugins: Plugins
    tenants: TenantRegistry
    database: Database
    embedded: EmbeddedServer | None
    providers: Mapping[str, PaymentProvider]
    kinds: tuple[tuple[str | None, ProductKind], ...]
    jobs: tuple[Job, ...]
    components: Callable[[], Sequence[Migrations]]
    discounts: Discounts
    webhook_sources: tuple[tuple[str, WebhookSource], ...] = ()
    histories: tuple[History, ...] = ()
    moves: tuple[Move, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    customer_finders: tuple[FindCustomer, ...] = ()
    free_texts: tuple[InstrumentedAttribute[Any], ...] = ()
    checks: tuple[tuple[str, OrganisationCheck], ...] = ()
    mail_templates: Mapping[str, MailTemplate] = field(default_factory=dict)
    mailers: Mapping[str, Mailer] = field(default_factory=dict)
    unsubscribe_url: UnsubscribeUrl = no_unsubscribe_url
    image_processors: Mapping[str, ImageProcessor] = field(default_factory=dict)
    deliveries: tuple[tuple[str | None, FileDelivery], ...] = ()
    media_formats: tuple[tuple[str | None, MediaFormat], ...] = ()
    stored_files: tuple[tuple[str, StoredFiles], ...] = ()
    flushes: tuple[Flush, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=lambda: SCOPES)
    role_scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pages: PageParts = field(default_factory=PageParts)
    group_commit: GroupCommit = field(default_factory=GroupCommit)

    def scope(
        self, organisation: Organisation, transaction: TenantSession | DriverTransaction | None
    ) -> TenantScope:
        """The scope of an organisation in a transaction. The caller commits it."""
        return TenantScope(organisation, transaction, self.plugins.hooks_for(organisation.plugins), self)

    def scope_outside(self, organisation: Organisation) -> TenantScope:
        """The scope of an organisation in no transaction. `TenantScope.begin` begins transactions."""
        return self.scope(organisation, None)

    def request_scope(self, organisation: Organisation, manager: ITransactionManager) -> TenantScope:
        """The scope of a request. Its transaction manager commits the transaction."""
        return self.scope(organisation, self.database.session(organisation.id, manager))

    @contextmanager
    def transaction(
        self, organisation: Organisation, *, statement_timeout_s: float | None = None
    ) -> Iterator[TenantScope]:
        """A scope in its own transaction: committed at the end, rolled back on an exception.

        Args:
            organisation: the organisation.
            statement_timeout_s: the limit of each statement, including waits for locks, in seconds; None
                keeps the default.

        Raises:
            AutonomyError: an error with ``commits`` is raised after the commit.
        """
        with keeping_refusals(
            self.database.transaction(organisation.id, statement_timeout_s=statement_timeout_s)
        ) as session:
            yield self.scope(organisation, session)

    @contextmanager
    def between_transactions(self, organisation: Organisation) -> Iterator[TenantScope]:
        """A scope for calling a provider outside of the core's transactions. The provider begins its own.

        If the provider uses the scope's session nevertheless, its work is committed at the end of the block.
        So the core never waits for locks of the provider.
        """
        with self.database.session(organisation.id) as session:
            yield self.scope(organisation, session)
            session.commit()

    @contextmanager
    def driver_transaction(
        self,
        organisation: Organisation,
        *,
        statement_timeout_s: float = LONGEST_STATEMENT_S,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
    ) -> Iterator[TenantScope]:
        """Like `transaction`, for a hot path; see `autonomy_core.db.driver_transaction`.

        Args:
            organisation: the organisation.
            statement_timeout_s: the limit of each statement, including waits for locks, in seconds.
            idle_timeout_s: the limit of idle time in the transaction, in seconds.
        """
        limits = {"statement_timeout_s": statement_timeout_s, "idle_timeout_s": idle_timeout_s}
        with keeping_refusals(self.database.driver_transaction(organisation.id, **limits)) as transaction:
            yield self.scope(organisation, transaction)

    @property
    def own_hosts(self) -> frozenset[str]:
        """The hosts that serve all organisations by path."""
        default = self.settings.default_organisation
        organisation = self.tenants.get(default) if default else None
        return frozenset({*self.settings.hosts, *(organisation.hosts if organisation else ())})

    def payment_provider_for(self, organisation: Organisation) -> PaymentProvider | None:
        """The payment provider of the first enabled plugin with one; None if there is none."""
        return next((self.providers[name] for name in organisation.plugins if name in self.providers), None)

    def product_kinds_for(self, organisation: Organisation) -> dict[str, ProductKind]:
        """The product kinds that the organisation can deliver, by name."""
        enabled = (None, *organisation.plugins)
        return {kind.name: kind for plugin, kind in self.kinds if plugin in enabled}

    def deliveries_for(self, organisation: Organisation) -> dict[str, FileDelivery]:
        """The deliveries of the core and of the organisation's enabled plugins, by name."""
        enabled = (None, *organisation.plugins)
        return {delivery.name: delivery for plugin, delivery in self.deliveries if plugin in enabled}

    def checks_for(self, organisation: Organisation) -> list[OrganisationCheck]:
        """The checks of the organisation's enabled plugins."""
        return [check for plugin, check in self.checks if plugin in organisation.plugins]

    def close(self) -> None:
        """Stop the registry's thread and close the database connections."""
        self.tenants.stop()
        self.database.dispose()


class RuntimeHolder(Protocol):
    """An object with a runtime: a scope, the application's registry, or the command line's context."""

    @property
    def _runtime(self) -> Runtime: ...


def runtime_of(holder: RuntimeHolder) -> Runtime:
    """The runtime of the process. Only the core may use it; plugins use their scope.

    Args:
        holder: a `TenantScope`, the registry of the application, or a `CliContext`.
    """
    return holder._runtime  # noqa: SLF001 - private to plugins
