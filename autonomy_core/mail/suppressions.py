"""Addresses to which an organisation sends no mail."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from autonomy_core.db.base import utcnow
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.models import MailSuppression, SuppressionReason

REASONS: Mapping[SuppressionReason, str] = {
    "bounced": "an earlier mail to this address bounced",
    "complained": "the recipient complained about an earlier mail",
    "by_staff": "staff stopped mail to this address",
    "unsubscribed": "the recipient has unsubscribed",
}
"""Why a mail is not sent, for staff. The first reason counts."""


def address_hash(scope: TenantScope, address: str) -> str:
    """Return the hash under which an address is suppressed in this organisation, without case.

    No key is involved, so the entries outlive a new ``autonomy.secret``.
    """
    return hashlib.sha256(f"{scope.organisation.id}\n{address.strip().casefold()}".encode()).hexdigest()


def suppress(
    scope: TenantScope, address: str, reason: SuppressionReason, *, mail_id: UUID | None = None
) -> None:
    """Send no more mail to an address. Repeating it has no effect.

    Args:
        scope: the scope of the organisation, in a transaction.
        address: the address.
        reason: ``unsubscribed`` concerns bulk mail only.
        mail_id: the mail that was the cause.
    """
    values = {
        "organisation_id": scope.organisation.id,
        "address_hash": address_hash(scope, address),
        "reason": reason,
        "mail_id": mail_id,
        "created_at": utcnow(),
    }
    scope.session.execute(insert(MailSuppression).values(values).on_conflict_do_nothing())


def allow(
    scope: TenantScope, address: str, reasons: Collection[SuppressionReason]
) -> list[SuppressionReason]:
    """Send mail to an address again; return the reasons that were removed.

    Args:
        scope: the scope of the organisation, in a transaction.
        address: the address.
        reasons: the reasons to remove.
    """
    found = delete(MailSuppression).where(
        MailSuppression.address_hash == address_hash(scope, address), MailSuppression.reason.in_(reasons)
    )
    return sorted(scope.session.scalars(found.returning(MailSuppression.reason)))


def suppressions_of(scope: TenantScope, address: str) -> list[MailSuppression]:
    """Return why an address gets no mail."""
    own = MailSuppression.address_hash == address_hash(scope, address)
    return list(scope.session.scalars(select(MailSuppression).where(own).order_by(MailSuppression.reason)))


def suppressed_because(scope: TenantScope, address: str, *, bulk: bool) -> str | None:
    """Return why a mail to an address must not be sent; None if it may be.

    Args:
        scope: the scope of the organisation, in a transaction.
        address: the address.
        bulk: whether it is sent to many.
    """
    found = {each.reason for each in suppressions_of(scope, address)} - (set() if bulk else {"unsubscribed"})
    return next((text for reason, text in REASONS.items() if reason in found), None)
