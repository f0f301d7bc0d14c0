"""The outbox: mail is put in with `send`, in the transaction of what caused it.

The worker delivers it, see `delivery`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, select

from autonomy_core.db.base import utcnow, uuid7
from autonomy_core.db.pipeline import Statement
from autonomy_core.jobs.services import defer_with_commit, problem_as_json
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.domain import domain_of, message_id_of
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.settings import mail_settings

DELIVER = "mail.deliver"
"""The job that delivers what is due."""

OUTBOX_COLUMNS = (
    *("organisation_id", "id", "template", "recipient", "template_values", "customer_id", "locale", "once"),
    *("message_id", "status", "attempts", "due_at", "created_at"),
)
"""What a new mail has, in the order in which statements give it; the database leaves the rest NULL."""

INSERT = Statement("""
INSERT INTO mail_messages (
    organisation_id, id, template, recipient, template_values, customer_id, locale, once,
    message_id, status, attempts, due_at, created_at, resend_of)
SELECT organisation_id, id, template, recipient, template_values, customer_id, locale, once,
    message_id, 'queued', 0, created_at, created_at, resend_of
FROM unnest(
    %(organisation_id)s::text[], %(id)s::uuid[], %(template)s::text[], %(recipient)s::text[],
    %(template_values)s::jsonb[], %(customer_id)s::uuid[], %(locale)s::text[], %(once)s::text[],
    %(resend_of)s::uuid[], %(message_id)s::text[], %(created_at)s::timestamptz[])
AS mail (organisation_id, id, template, recipient, template_values, customer_id, locale, once, resend_of,
    message_id, created_at)
ON CONFLICT (organisation_id, once) DO NOTHING
""")
"""A statement of the driver, because a payment's receipt is put into the outbox on a hot path."""


KEPT_FOR = timedelta(days=400)
"""More than a year, because customers ask for the receipts of the last one."""


class NotSendable(TypeError):
    """The template does not exist, or the values cannot be stored. The message names the cause."""


def send(
    scope: TenantScope,
    template: str,
    to: str,
    values: Mapping[str, Any],
    *,
    customer_id: UUID | None = None,
    locale: str | None = None,
    once: str | None = None,
) -> UUID:
    """Put a mail into the outbox. It is sent if and only if the scope's transaction commits.

    The worker renders it. The address is not checked here, so a request does the same work for every address.
    A secret of the mail, for example a token, is created by the template's
    ``prepare`` and not given here: the outbox is stored in the clear.

    Args:
        scope: the scope of the organisation, in a transaction of either kind.
        template: the name of a registered `MailTemplate`.
        to: the address of the recipient.
        values: JSON-serialisable values for the template, without secrets.
        customer_id: the customer whom it concerns: a row that exists, or that was added before in the same
            transaction.
        locale: the language of the recipient, a BCP 47 tag; None for the organisation's.
        once: a key. A second mail of the organisation with the same key is not put into the outbox, for
            example ``receipt:<payment id>``.

    Returns:
        The id of the mail. If a mail with the key ``once`` exists, no mail has this id.

    Raises:
        NotSendable: no template has this name, or the values cannot be stored as JSON.
    """
    if template not in runtime_of(scope).mail_templates:
        known = ", ".join(sorted(runtime_of(scope).mail_templates))
        raise NotSendable(f"mail {template}: there is no template of this name; there are {known}")
    problem = problem_as_json(dict(values))
    if problem is not None:
        raise NotSendable(f"mail {template}: its values {problem}")
    return put_into_outbox(
        scope, template, to, values, customer_id=customer_id, locale=locale, once=once, resend_of=None
    )


def put_into_outbox(
    scope: TenantScope,
    template: str,
    to: str,
    values: Mapping[str, Any],
    *,
    customer_id: UUID | None,
    locale: str | None,
    once: str | None,
    resend_of: UUID | None,
) -> UUID:
    """`send` without checks, for values that were checked before."""
    mail_id = uuid7()
    row = {
        "organisation_id": scope.organisation.id,
        "id": mail_id,
        "template": template,
        "recipient": to,
        "template_values": json.dumps(dict(values)),
        "customer_id": customer_id,
        "locale": locale,
        "once": once,
        "resend_of": resend_of,
        "message_id": message_id_of(mail_id, mail_settings(scope).from_address),
        "created_at": utcnow(),
    }
    scope.execute_later(INSERT, row)
    deliver_later(scope)
    return mail_id


def deliver_later(scope: TenantScope) -> None:
    """Defer the job that delivers the organisation's mail. It runs if the scope's transaction commits."""
    defer_with_commit(scope, DELIVER, in_seconds=0)


def sender_domain(scope: TenantScope) -> str:
    """Return the domain of the ``Message-ID`` of the organisation's mail."""
    return domain_of(mail_settings(scope).from_address)


def find_mail(scope: TenantScope, mail_id: UUID) -> MailMessage | None:
    """Return a mail of this organisation, or None."""
    return scope.session.get(MailMessage, (scope.organisation.id, mail_id))


def every_mail(
    *,
    status: str | None = None,
    template: str | None = None,
    to: str | None = None,
    customer_id: UUID | None = None,
) -> Select[MailMessage]:
    """Select the organisation's mail.

    Args:
        status: only in this status; None for all. The same holds for the other arguments.
        template: only of this template.
        to: only to this address, without case.
        customer_id: only concerning this customer.
    """
    found = select(MailMessage)
    if status is not None:
        found = found.where(MailMessage.status == status)
    if template is not None:
        found = found.where(MailMessage.template == template)
    if to is not None:
        found = found.where(func.lower(MailMessage.recipient) == to.lower())
    if customer_id is not None:
        found = found.where(MailMessage.customer_id == customer_id)
    return found


def forget_old_mail(scope: TenantScope) -> None:
    """Delete the mail that reached its last status long ago."""
    old = MailMessage.finished_at < utcnow() - KEPT_FOR
    scope.session.execute(delete(MailMessage).where(old))
