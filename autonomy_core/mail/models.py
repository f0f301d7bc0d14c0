"""The tables of the outbox and of the addresses to which no mail is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from autonomy_core.db.base import Base, Identified, OrganisationScoped, tenant_key, utcnow

MailStatus = Literal["queued", "sending", "sent", "refused", "bounced", "given_up"]
"""The states of a mail; see `MailMessage`."""

SuppressionReason = Literal["bounced", "complained", "unsubscribed", "by_staff"]


class MailMessage(Identified, Base):
    """A mail of the outbox.

    Attributes:
        template: the name of its template.
        recipient: the address.
        template_values: what `send` was given, without secrets.
        customer_id: the customer whom it concerns.
        locale: the language that `send` was given.
        once: a key that at most one mail of the organisation has.
        resend_of: the mail that staff sent again with this one.
        message_id: the header ``Message-ID``, the same in every attempt.
        status: ``queued``: it is due at ``due_at``. ``sending``: a worker has claimed it until ``due_at``.
            ``sent``: a server has accepted it. ``refused``: we do not send it. ``bounced``: a server has
            rejected it permanently. ``given_up``: every attempt failed.
        attempts: how many times a worker has claimed it.
        due_at: when it may be claimed.
        answer: the server's last answer, or the reason of the status.
        finished_at: when it reached its last status.
    """

    __tablename__ = "mail_messages"
    __table_args__ = (
        tenant_key("customer_id", "customers"),
        UniqueConstraint("organisation_id", "once"),
        CheckConstraint(
            "status IN ('queued', 'sending', 'sent', 'refused', 'bounced', 'given_up')", name="status"
        ),
        Index(
            "ix_mail_messages_due",
            "organisation_id",
            "due_at",
            postgresql_where=text("status IN ('queued', 'sending')"),
        ),
        Index("ix_mail_messages_customer", "organisation_id", "customer_id"),
        Index("ix_mail_messages_recipient", "organisation_id", text("lower(recipient)")),
    )

    template: Mapped[str]
    recipient: Mapped[str]
    template_values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    customer_id: Mapped[UUID | None]
    locale: Mapped[str | None]
    once: Mapped[str | None]
    resend_of: Mapped[UUID | None]
    message_id: Mapped[str]
    status: Mapped[MailStatus] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    answer: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]

    @property
    def next_attempt_at(self) -> datetime | None:
        """When the next attempt is due; None if there is none, or one is being made."""
        return self.due_at if self.status == "queued" else None


class MailSuppression(OrganisationScoped, Base):
    """An address to which the organisation sends no mail.

    Attributes:
        address_hash: the hash of the address, see `suppressions.address_hash`. The address itself is not
            stored, so the entry can stay when the customer's data are erased.
        reason: ``unsubscribed`` concerns bulk mail only; the other reasons concern all mail.
        mail_id: the mail that bounced; None for other reasons.
    """

    __tablename__ = "mail_suppressions"
    __table_args__ = (
        CheckConstraint("reason IN ('bounced', 'complained', 'unsubscribed', 'by_staff')", name="reason"),
    )

    address_hash: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[SuppressionReason] = mapped_column(primary_key=True)
    mail_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
