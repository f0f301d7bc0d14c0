"""The table of customers."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, tenant_key, utcnow

IS_ACCOUNT = "NOT guest AND erased_at IS NULL AND merged_into IS NULL"
"""The SQL condition of an account: a customer who can log in."""


class Customer(Identified, Base):
    """A buyer of one organisation. The same address in another organisation is another customer.

    An *account* is a row with ``guest`` false: the only one of its address. A *guest* belongs to one purchase
    without an account. Guests of the same address are not connected until the address is proven.

    Attributes:
        guest: whether the row is a guest.
        email_verified_at: when the mailbox of ``email`` was proven first; NULL if it was not.
        former_emails: former addresses whose mailboxes the customer had proven, in lower case.
        locale: the language of the customer's mails, a tag of BCP 47; NULL for the organisation's.
        marketing_at: when the customer agreed to mails that advertise; NULL without consent.
        marketing_source: where the customer agreed, for example ``account``.
        blocked_at, blocked_because: when and why staff have blocked the customer.
        deletion_due_at: when the customer's personal data will be erased, at the customer's request.
        erased_at: when it was erased. The row stays for the ledger, without address and name.
        merged_into: the customer that has taken over everything of this one.
    """

    __tablename__ = "customers"
    __table_args__ = (
        tenant_key("merged_into", "customers"),
        CheckConstraint("(marketing_at IS NULL) = (marketing_source IS NULL)", name="marketing"),
        CheckConstraint("(blocked_at IS NULL) = (blocked_because IS NULL)", name="blocked"),
        Index(
            "uq_customers_accounts",
            "organisation_id",
            "email",
            unique=True,
            postgresql_where=text(IS_ACCOUNT),
        ),
        Index(None, "organisation_id", "email"),
        Index(None, "organisation_id", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index(
            None, "organisation_id", "deletion_due_at", postgresql_where=text("deletion_due_at IS NOT NULL")
        ),
    )

    email: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    # The database has a default too, because an older version that still runs omits the column.
    guest: Mapped[bool] = mapped_column(default=False, server_default=false())
    email_verified_at: Mapped[datetime | None]
    # The default in the database is for an older version that still runs, as above.
    former_emails: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    locale: Mapped[str | None]
    marketing_at: Mapped[datetime | None]
    marketing_source: Mapped[str | None]
    blocked_at: Mapped[datetime | None]
    blocked_because: Mapped[str | None]
    deletion_due_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None]

    @property
    def email_verified(self) -> bool:
        """Whether the mailbox of the address was proven."""
        return self.email_verified_at is not None

    @property
    def accepts_marketing(self) -> bool:
        """Whether the customer agreed to mails that advertise."""
        return self.marketing_at is not None

    @property
    def is_current(self) -> bool:
        """Whether the row is neither erased nor merged into another customer."""
        return self.erased_at is None and self.merged_into is None


class CustomerNote(Identified, Base):
    """A note of staff about a customer. It is erased with the customer.

    Attributes:
        author: who wrote it, as in the audit log.
    """

    __tablename__ = "customer_notes"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        Index(None, "organisation_id", "customer_id", "id"),
    )

    customer_id: Mapped[UUID]
    author: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
