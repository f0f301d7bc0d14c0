"""The tables of Stripe checkouts, one row for each payment, and of what was read of the balance."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow
from autonomy_core.plugin_api.payments import Environment

ENVIRONMENT = "environment IN ('test', 'live')"


class StripePayment(OrganisationScoped, Base):
    """The Stripe objects of a payment.

    Attributes:
        session_id: ID of the checkout session; NULL until Stripe answers, or after a crash until the first
            event.
        payment_intent_id: ID of the PaymentIntent; NULL until an event or a query brings it.
        checkout_url: URL of the checkout page; NULL as long as ``session_id`` is.
        request: the parameters of the session, stored so that the same call can be repeated.
        success_url: where the return page redirects the buyer; checked when the payment was created.
        expires_at: when the session expires.
    """

    __tablename__ = "stripe_payments_payments"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint(ENVIRONMENT, name="environment"),
        UniqueConstraint(
            "organisation_id", "environment", "session_id", name="uq_stripe_payments_payments_session"
        ),
        Index("ix_stripe_payments_payments_intent", "organisation_id", "environment", "payment_intent_id"),
    )

    payment_id: Mapped[UUID] = mapped_column(primary_key=True)
    environment: Mapped[Environment]
    session_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    success_url: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class StripeBalance(OrganisationScoped, Base):
    """Until when the changes of the balance in an environment were read."""

    __tablename__ = "stripe_payments_balances"
    __table_args__ = (CheckConstraint(ENVIRONMENT, name="environment"),)

    environment: Mapped[Environment] = mapped_column(primary_key=True)
    read_until: Mapped[datetime]
