"""The Protocol of payment providers that find payments by their own ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from uuid import UUID

if TYPE_CHECKING:
    from autonomy_core.kernel.scope import TenantScope


@runtime_checkable
class PaymentFinder(Protocol):
    """A `PaymentProvider` that finds payments by the ids of its own objects.

    Staff search for such an id, for example from the provider's dashboard. A provider without this method is
    not asked.
    """

    name: str

    def find(self, scope: TenantScope, reference: str) -> UUID | None:
        """The organisation's payment to which an object of the provider belongs; None if there is none.

        The core calls this outside of a transaction, like `begin_checkout`.

        Args:
            scope: the organisation's scope, in no transaction.
            reference: any text that a person typed.

        Raises:
            Unavailable: the provider's server has to be asked, and does not answer.
        """
