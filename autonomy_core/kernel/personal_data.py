"""What a feature or a plugin keeps of a customer: how it is exported, erased, and moved."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from autonomy_core.callables import is_async, require_plain, takes

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class PersonalData:
    """The personal data that a feature or a plugin keeps of customers.

    The core calls both functions for every organisation, also for one that has disabled the plugin: its rows
    may be older. They work in the scope's transaction and cannot end it, and call no other server.

    Attributes:
        name: the name of the plugin, or of the core's feature. It is a directory of the export.
        export: called as ``export(scope, customer_id)``; yields pairs of a file's name and its content. The
            content is bytes, or data for a JSON file. UUIDs and times in it are written as text.
        erase: called as ``erase(scope, customer_id)``; removes what identifies the customer. What the ledger
            needs stays: amounts, dates, ids. Repeated calls have no effect. The core's row of the customer,
            with address and name, is still there and is emptied afterwards.
    """

    name: str
    export: Callable[[TenantScope, UUID], Iterable[tuple[str, Any]]]
    erase: Callable[[TenantScope, UUID], None]

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"personal data {self.name!r}: write lower-case letters, digits, underscores")
        if not callable(self.export) or is_async(self.export) or not takes(self.export, 2):
            raise TypeError(f"personal data {self.name}: export takes a scope and a customer's id")
        require_plain(f"personal data {self.name}: erase", self.erase, 2)


class Move(Protocol):
    """Moves what a feature of the core keeps of a customer, when two customers are merged."""

    def __call__(self, scope: TenantScope, source_id: UUID, target_id: UUID, /) -> None:
        """Give all rows of one customer to another, in the scope's transaction.

        The customers are locked. Repeated calls move what has been added since.

        Args:
            scope: the organisation's scope.
            source_id: the customer who has the rows.
            target_id: the customer who gets them.
        """


class FindCustomer(Protocol):
    """Finds the customer of an id that a feature stores."""

    def __call__(self, scope: TenantScope, reference: str, /) -> UUID | None:
        """The customer's id, or None. The scope's own transaction is not used: a provider may be called.

        Raises:
            Unavailable: a provider that has to be asked does not answer.
        """
