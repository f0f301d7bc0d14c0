"""The process's collaborators: the web application, the worker and the command line share them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from transaction.interfaces import ITransactionManager

from autonomy_core.db.database import LONGEST_PAUSE_S, LONGEST_STATEMENT_S, Database
from autonomy_core.db.driver_transaction import DirectTransaction
from autonomy_core.db.embedded import EmbeddedServer
from autonomy_core.db.group_commit import GroupCommit
from autonomy_core.db.migrations import Migrations
from autonomy_core.db.own_transactions import keeping_refusals
from autonomy_core.db.session import TenantSession
from autonomy_core.kernel.checks import OrganisationCheck
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.jobs import Job
from autonomy_core.kernel.manager import Plugins
from autonomy_core.kernel.protocols import Discounts, Flush, PaymentProvider, ProductKind
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.settings import Settings
from autonomy_core.tenancy.domain import Organisation
from autonomy_core.tenancy.registry import TenantRegistry


@dataclass(frozen=True, slots=True)
class Runtime:
    """What every request and job of a process shares.

    Attributes:
        embedded: the embedded database server, or None where ``sqlalchemy.url`` names another.
        kinds: each with its plugin, None for the core.
        components: gives the core's migrations and every plugin's, in the order in which they are applied.
        discounts: what takes something off a price.
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
    components: Callable[[], Sequence[Migrations]]
    discounts: Discounts
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
        """As `transaction`, for a hot path; see `autonomy_core.db.driver_transaction`.

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
