"""The table of changes of providers' balances."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, tenant_key
from autonomy_core.prices.models import CURRENCY


class PaymentBalance(OrganisationScoped, Base):
    """A change of the organisation's balance at a provider, see `domain.BalanceReport`.

    A provider's id is the key, so that a repeated report adds nothing.
    """

    __tablename__ = "payment_balances"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint("kind IN ('payment', 'refund', 'dispute', 'other')", name="kind"),
        CheckConstraint("net = amount - fee", name="net"),
        CheckConstraint(CURRENCY, name="currency"),
        Index(None, "organisation_id", "payment_id"),
        Index(None, "organisation_id", "at"),
    )

    provider: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID]
    kind: Mapped[str]
    # The balance's currency may have far more minor units than the payment's.
    amount: Mapped[int] = mapped_column(BigInteger)
    fee: Mapped[int] = mapped_column(BigInteger)
    net: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    at: Mapped[datetime]
    available_on: Mapped[datetime | None]
