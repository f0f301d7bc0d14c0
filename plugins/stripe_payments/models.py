"""The tables: a checkout for each payment, the inbox of events, and how deliveries fared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.plugin_api.models import Base, OrganisationScoped, tenant_key, utcnow

ENVIRONMENT = "environment IN ('test', 'live')"
EVENT_STATUSES = ("received", "processed", "ignored", "set_aside", "failed")


class StripePayment(OrganisationScoped, Base):
    """What Stripe calls one of our payments.

    ``session_id`` is NULL until Stripe has answered; a crash in between leaves it so until the first event.
    ``request`` is what Stripe is asked for, kept so that it can be asked for again. ``success_url`` is where the
    buyer goes from our return page, checked when the payment was opened.
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
    environment: Mapped[str]
    session_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    checkout_url: Mapped[str | None]
    request: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    success_url: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class StripeEvent(OrganisationScoped, Base):
    """An event, as Stripe sent it and its signature vouched for it, and what has become of it.

    ``received`` and ``failed`` events are still to be handled; the other statuses are final. ``source`` tells whether
    Stripe has posted it, signed, or it was fetched with the organisation's key. ``lookups`` are those that the attempt
    that counts has tried, in order, with what each gave; ``matched_by`` is the one that found ``payment_id``.
    ``waits_for`` is the payment intent of an event that came before its payment was known: as soon as it is known, the
    event is handled. ``fetched`` is what the event is about, where it is thin or of another version than we read.
    """

    __tablename__ = "stripe_payments_events"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint(ENVIRONMENT, name="environment"),
        CheckConstraint(f"status IN {EVENT_STATUSES}", name="status"),
        CheckConstraint("source IN ('webhook', 'fetched')", name="source"),
        Index("ix_stripe_payments_events_status", "organisation_id", "status", "received_at"),
        Index("ix_stripe_payments_events_payment", "organisation_id", "payment_id"),
        Index(
            "ix_stripe_payments_events_waits_for",
            "organisation_id",
            "environment",
            "waits_for",
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
    )

    environment: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fetched: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    status: Mapped[str]
    reason: Mapped[str | None]
    lookups: Mapped[str | None]
    matched_by: Mapped[str | None]
    payment_id: Mapped[UUID | None]
    waits_for: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    source: Mapped[str] = mapped_column(default="webhook")
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    processed_at: Mapped[datetime | None]

    @property
    def subject(self) -> dict[str, Any]:
        """What the event is about, as it is handled; empty where that is not known yet."""
        data = self.payload.get("data")
        posted = data.get("object") if isinstance(data, dict) else None
        return self.fetched or (posted if isinstance(posted, dict) else {})


class StripeDeliveries(OrganisationScoped, Base):
    """How many deliveries of a day had a good signature, and how many had not.

    ``environment`` is ``unknown`` for those whose signature no secret verified.
    """

    __tablename__ = "stripe_payments_deliveries"
    __table_args__ = (CheckConstraint("environment IN ('test', 'live', 'unknown')", name="environment"),)

    environment: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    verified: Mapped[int]
    refused: Mapped[int]
    last_verified_at: Mapped[datetime | None]
    last_refused_at: Mapped[datetime | None]
