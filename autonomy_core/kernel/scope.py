"""The scope that services and plugins work with: one organisation, in at most one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autonomy_core.db.commit_guard import NotYourTransaction
from autonomy_core.db.driver_transaction import DriverTransaction
from autonomy_core.tenancy.domain import Organisation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

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
        hooks: the hooks of the plugins that this organisation has enabled.

    The core reads the private attributes with `transaction_of` and `autonomy_core.kernel.runtime.runtime_of`.
    """

    organisation: Organisation
    _transaction: TenantSession | DriverTransaction | None
    hooks: TenantHooks
    _runtime: Runtime

    @property
    def session(self) -> TenantSession:
        """A session that sees only this organisation's rows. The creator of the scope commits it.

        Raises:
            RuntimeError: the scope is in no transaction.
        """
        return self._required.session

    def execute_at_driver(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute a statement on a hot path, without SQLAlchemy, and return its rows.

        Args:
            statement: the statement.
            values: the values of its placeholders, by name.

        Raises:
            psycopg.Error: the driver's error. The transaction can only be rolled back.
            RuntimeError: the scope is in no transaction.
        """
        return self._required.execute_at_driver(statement, values)

    def execute_last(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Like `execute_at_driver`, for the transaction's last statement. It may be sent with the commit."""
        return self._required.execute_last(statement, values)

    def execute_later(self, statement: Statement, row: Mapping[str, Any]) -> None:
        """Execute a statement without a result, now or together with the commit to save a round trip.

        Args:
            statement: a statement whose placeholders take lists, with one element for each row.
            row: the values of one row, by placeholder.
        """
        self._required.execute_later(statement, row)

    def add(self, row: Base) -> None:
        """Insert a new row of a model, at the latest before the session's next use or with the commit.

        Set every value before: what is changed on the row afterwards may not be written. A session writes
        models that need more than an INSERT, for example a type decorator or a default of the database.
        """
        self._required.add(row)

    def execute_alone(self, statement: Statement, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute one statement in its own transaction, in one round trip, and return its rows.

        Args:
            statement: the statement.
            values: the values of its placeholders, by name.

        Raises:
            psycopg.Error, SQLAlchemyError: errors of the driver and of the pool.
            NotYourTransaction: see `begin`.
        """
        self._refuse_forbidden_commit()
        with self._runtime.driver_transaction(self.organisation) as own:
            return own.execute_last(statement, values)

    @property
    def _required(self) -> TenantSession | DriverTransaction:
        if self._transaction is None:
            raise RuntimeError(
                "this scope is in no transaction: begin one, with scope.begin() as own, and use own.session"
            )
        return self._transaction

    @contextmanager
    def begin(self, *, timeout: float | None = None) -> Iterator[TenantScope]:
        """A separate transaction in this organisation: committed at the end, rolled back on an exception.

        It is for providers, jobs and checks that call other servers. With one transaction before the call and
        one after it, no connection and no lock is held during the call. The transaction does not see what the
        scope has not committed, and waits for the scope's locks until a statement times out.

        Args:
            timeout: the limit of each statement, including waits for locks, in seconds; by default 60.

        Raises:
            NotYourTransaction: in a hook, or in a provider's method that the core calls in its own
                transaction. Such work belongs to the caller's transaction, which may be rolled back.
            AutonomyError: an error with ``commits`` is raised after the commit.
        """
        self._refuse_forbidden_commit()
        with self._runtime.transaction(self.organisation, statement_timeout_s=timeout) as own:
            yield own

    def _refuse_forbidden_commit(self) -> None:
        if self._transaction is not None and self._transaction.commit_forbidden:
            raise NotYourTransaction(
                "this code works in the transaction of its caller, in scope.session: what it committed by "
                "itself would stay when that is undone, and could wait for the caller's own locks; "
                "defer a job for the rest"
            )

    def settings(self, plugin: str) -> Mapping[str, Any]:
        """The organisation's settings for a plugin, as the plugin's schema loaded them."""
        return self.organisation.settings[plugin]

    def server_settings(self, plugin: str) -> Mapping[str, Any]:
        """The server's settings for a plugin: the keys ``<plugin>.…`` in the server's ini file."""
        return self._runtime.settings.plugins.get(plugin, {})

    @property
    def server(self) -> Settings:
        """The server's settings. Plugins create their directories of files in ``scope.server.data``."""
        return self._runtime.settings

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the organisation, as declared: the server's hosts first, then its own."""
        declared = (*self._runtime.settings.hosts, *self.organisation.hosts, *sorted(self._runtime.own_hosts))
        return tuple(dict.fromkeys(declared))

    def other_organisations(self, plugin: str, secret: Secret) -> Iterator[TenantScope]:
        """The scopes of other organisations with an enabled plugin and a secret; see `other_organisation`.

        The whole text of the organisations' files is searched, so the caller must check the secret's place.

        Args:
            plugin: the plugin that must be enabled.
            secret: the secret that the file must contain.
        """
        for organisation_id in self._runtime.tenants.ids_with_secret(secret):
            found = self.other_organisation(organisation_id, plugin)
            if found is not None:
                yield found

    def other_organisation(self, organisation_id: str, plugin: str) -> TenantScope | None:
        """The scope of another organisation, in no transaction; None unless it has enabled the plugin.

        It is for data that arrive at the wrong organisation, such as a payment provider's messages. The
        caller must first verify the other organisation with its own settings, for example by a signature. The
        content of a message is no proof.

        Args:
            organisation_id: the other organisation.
            plugin: the plugin that must be enabled.
        """
        organisation = self._runtime.tenants.get(organisation_id)
        other = organisation is not None and organisation.id != self.organisation.id
        if organisation is None or not other or plugin not in organisation.plugins:
            return None
        return self._runtime.scope_outside(organisation)


def transaction_of(scope: TenantScope) -> TenantSession | DriverTransaction | None:
    """The transaction of a scope, or None. Only the core may use it."""
    return scope._transaction  # noqa: SLF001 - private to plugins


def forbid_commit(scope: TenantScope) -> AbstractContextManager[None]:
    """Prevent a plugin's method from ending the scope's transaction. Only the core may use it.

    Raises:
        NotYourTransaction: the code has tried to end the transaction, or has left it unusable.
        RuntimeError: the scope is in no transaction.
    """
    return scope._required.forbid_commit()  # noqa: SLF001 - private to plugins
