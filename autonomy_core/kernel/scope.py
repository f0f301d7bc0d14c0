"""What a service gets to work with: one organisation and nothing of any other."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autonomy_core.db.driver_transaction import DirectTransaction, NotYourTransaction
from autonomy_core.tenancy.domain import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from autonomy_core.db.base import Base
    from autonomy_core.db.pipeline import Statement
    from autonomy_core.db.session import TenantSession
    from autonomy_core.kernel.manager import TenantHooks
    from autonomy_core.kernel.runtime import Runtime
    from autonomy_core.settings import Settings
    from autonomy_core.tenancy.secrets import Secret

__all__ = ["Organisation", "TenantScope"]


@dataclass(frozen=True, slots=True)
class TenantScope:
    """One organisation in one transaction.

    Attributes:
        organisation: the organisation as its ini file describes it now.
        transaction: what the session is in; None where a scope is in no transaction. For the core's own use.
        hooks: the hooks of the plugins that this organisation has enabled.
        runtime: the process's collaborators; for the core's own use.
    """

    organisation: Organisation
    transaction: TenantSession | DirectTransaction | None
    hooks: TenantHooks
    runtime: Runtime

    @property
    def session(self) -> TenantSession:
        """A session that sees this organisation's rows only. Whoever made the scope commits it.

        Raises:
            RuntimeError: the scope is in no transaction.
        """
        return self._required.session

    def execute_directly(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement of a hot path, past SQLAlchemy; gives its rows.

        Raises:
            psycopg.Error: as it comes from the driver; the transaction is lost.
            RuntimeError: the scope is in no transaction.
        """
        return self._required.execute_directly(statement, values)

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """`execute_directly` for the last statement of a transaction, which may be sent with the commit."""
        return self._required.execute_last(statement, values)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement whose result nothing needs: now, or with the commit where that spares a round trip.

        Args:
            statement: takes a list of each value.
            row: a value for each list.
        """
        self._required.execute_later(statement, row)

    def add(self, row: Base) -> None:
        """Write a new row of a model: at the latest when the session is next used, or with the commit."""
        self._required.add(row)

    def execute_alone(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute one statement in a transaction of its own, in one round trip; gives its rows.

        Raises:
            psycopg.Error, SQLAlchemyError: what the driver raises, and what the pool does.
            NotYourTransaction: see `begin`.
        """
        self._refuse_when_lent()
        with self.runtime.direct_transaction(self.organisation) as own:
            return own.execute_last(statement, values)

    @property
    def _required(self) -> TenantSession | DirectTransaction:
        if self.transaction is None:
            raise RuntimeError(
                "this scope is in no transaction: begin one, with scope.begin() as own, and use own.session"
            )
        return self.transaction

    @contextmanager
    def begin(self, *, timeout: float | None = None) -> Iterator[TenantScope]:
        """A transaction of one's own in this organisation: committed at the end, rolled back on an exception.

        For providers, jobs and checks, which call other servers: a transaction before the call and one after it hold no
        connection and no lock meanwhile. It is another transaction than the scope's, so it sees nothing that
        the scope has not committed, and would wait for the scope's locks until a statement times out.

        A refusal that has something to keep (`AutonomyError.commits`) is raised after the commit.

        Args:
            timeout: how many seconds a statement may take, or wait for a lock; None leaves it to the server (60).

        Raises:
            NotYourTransaction: in a hook, whose work belongs to the transaction of its caller and may be undone with it.
        """
        self._refuse_when_lent()
        with self.runtime.transaction(self.organisation, patience_s=timeout) as own:
            yield own

    def _refuse_when_lent(self) -> None:
        if self.transaction is not None and self.transaction.lent:
            raise NotYourTransaction(
                "a hook works in the transaction of its caller, in scope.session: what it committed by itself would "
                "stay when that is undone, and could wait for the caller's own locks; defer a job for the rest"
            )

    def settings(self, plugin: str) -> Mapping[str, Any]:
        """The organisation's settings of a plugin, as its schema loaded them."""
        return self.organisation.settings[plugin]

    def server_settings(self, plugin: str) -> Mapping[str, Any]:
        """The server's settings of a plugin: ``<plugin>.…`` in the server's ini file."""
        return self.runtime.settings.plugins.get(plugin, {})

    @property
    def server(self) -> Settings:
        """The settings of the server: ``scope.server.data`` is the directory in which a plugin makes one for its files."""
        return self.runtime.settings

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts on which the organisation is reached, as declared: the server's first, then its own."""
        declared = (*self.runtime.settings.hosts, *self.organisation.hosts, *sorted(self.runtime.own_hosts))
        return tuple(dict.fromkeys(declared))

    def neighbours(self, plugin: str, secret: Secret) -> Iterator[TenantScope]:
        """The scopes of the other organisations that have a plugin enabled, and a secret in their file; see `neighbour`.

        Where the secret is said in the file is for the caller to look at.
        """
        for organisation_id in self.runtime.tenants.knowing(secret):
            found = self.neighbour(organisation_id, plugin)
            if found is not None:
                yield found

    def neighbour(self, organisation_id: str, plugin: str) -> TenantScope | None:
        """The scope of another organisation that has a plugin enabled, or None. It is in no transaction yet.

        For what arrives at one organisation's address and is another's, such as a payment provider's messages.
        Whoever crosses over has made sure of it by something that only the other organisation's own settings
        can confirm, a signature for example; what a message says of itself is no proof.
        """
        organisation = self.runtime.tenants.get(organisation_id)
        other = organisation is not None and organisation.id != self.organisation.id
        if organisation is None or not other or plugin not in organisation.plugins:
            return None
        return self.runtime.scope_outside(organisation)
