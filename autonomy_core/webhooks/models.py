"""The tables: the inbox of events, and how deliveries fared."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, OrganisationScoped, tenant_key, utcnow
from autonomy_core.kernel.webhooks import Origin
from autonomy_core.tenancy.domain import Environment
from autonomy_core.webhooks.domain import STATUSES


class WebhookEvent(OrganisationScoped, Base):
    """An event, as its provider sent it and vouched for it, and the result of handling it.

    Attributes:
        source: the name of the `WebhookSource`.
        fetched: what the event is about, where it had to be fetched from the provider.
        status: ``received`` and ``failed`` events are still to be handled; the other statuses are final.
        lookups: those that the attempt that counts has made, in order, with the result of each.
        matched_by: the lookup that found ``payment_id``.
        waits_for: the provider's name of the payment of an event that came before its payment was known.
        origin: ``webhook`` if the provider posted the event, ``fetched`` if the server fetched it.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        tenant_key("payment_id", "payments"),
        CheckConstraint("environment IN ('test', 'live')", name="environment"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("origin IN ('webhook', 'fetched')", name="origin"),
        Index("ix_webhook_events_status", "organisation_id", "source", "status", "received_at"),
        Index("ix_webhook_events_payment", "organisation_id", "payment_id"),
        Index(
            "ix_webhook_events_waits_for",
            "organisation_id",
            "source",
            "environment",
            "waits_for",
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
    )

    source: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[Environment] = mapped_column(primary_key=True)
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
    origin: Mapped[Origin] = mapped_column(default="webhook")
    received_at: Mapped[datetime] = mapped_column(default=utcnow)
    processed_at: Mapped[datetime | None]


class WebhookDeliveries(OrganisationScoped, Base):
    """How many deliveries of a day had a good signature, and how many had not.

    ``environment`` is ``unknown`` for those whose signature no secret verified.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (CheckConstraint("environment IN ('test', 'live', 'unknown')", name="environment"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    verified: Mapped[int]
    refused: Mapped[int]
    last_verified_at: Mapped[datetime | None]
    last_refused_at: Mapped[datetime | None]
