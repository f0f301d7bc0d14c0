"""Who buys: a customer with an account, or a guest."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from autonomy_core.customers.services import add_guest
from autonomy_core.db.base import uuid7
from autonomy_core.kernel.scope import TenantScope


@dataclass(frozen=True, slots=True)
class Guest:
    """A buyer without an account. Each purchase adds a customer of its own.

    So neither the purchase nor its answer depends on what else was bought with the address.

    Attributes:
        email: the address, normalised as at registration.
        locale: the language of the mails; None for the organisation's.
    """

    email: str
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """A buyer, as a purchase sees it.

    Attributes:
        id: of the account; of a guest, an id that no customer has, until `added`.
        guest: the guest; None for an account.
    """

    id: UUID
    guest: Guest | None = None

    @classmethod
    def of(cls, account: UUID | Guest) -> Buyer:
        """Return the buyer of an account's id, or of a guest."""
        return cls(account) if isinstance(account, UUID) else cls(uuid7(), account)

    @property
    def account_id(self) -> UUID | None:
        """The id of the account; None for a guest."""
        return self.id if self.guest is None else None

    def added(self, scope: TenantScope) -> Buyer:
        """Return the buyer as a customer of the database: a guest is added in the scope's transaction."""
        if self.guest is None:
            return self
        return Buyer(add_guest(scope, self.guest.email, locale=self.guest.locale).id, self.guest)
