"""What the outbox of mail keeps of a customer. `mail` is below customers, and imports nothing of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, update

from autonomy_core.customers.addresses import erasable_addresses, may_contain, proven_address
from autonomy_core.customers.domain import contains_address
from autonomy_core.customers.services import find_customer
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.personal_data import PersonalData
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.models import MailMessage

NOT_SENT = "the customer was erased"
"""Why a mail of an erased customer that was still waiting is not sent."""


def move_mails(scope: TenantScope, source_id: UUID, target_id: UUID) -> None:
    """Give the mails to a customer to another."""
    mine = update(MailMessage).where(MailMessage.customer_id == source_id)
    scope.session.execute(mine.values(customer_id=target_id))


def export(scope: TenantScope, customer_id: UUID) -> Iterator[tuple[str, Any]]:
    """Yield the mails to the customer, oldest first."""
    mine: ColumnElement[bool] = MailMessage.customer_id == customer_id
    if (address := proven_address(scope, customer_id)) is not None:
        mine = or_(mine, func.lower(MailMessage.recipient) == address.lower())
    found = select(MailMessage).where(mine).order_by(MailMessage.id)
    yield (
        "mails.json",
        [
            {
                "template": mail.template,
                "recipient": mail.recipient,
                "values": mail.template_values,
                "status": mail.status,
                "created_at": mail.created_at,
                "finished_at": mail.finished_at,
            }
            for mail in scope.session.scalars(found)
        ],
    )


def erase(scope: TenantScope, customer_id: UUID) -> None:
    """Empty the mails to the customer, or to staff about the customer. Those that wait are not sent."""
    mine = update(MailMessage).where(_traces(scope, customer_id))
    waiting = mine.where(MailMessage.status.in_(("queued", "sending")))
    refused = {"status": "refused", "answer": NOT_SENT, "finished_at": utcnow()}
    empty = {"recipient": "", "template_values": {}}
    for statement in (waiting.values(refused), mine.values(empty)):
        scope.session.execute(statement.execution_options(synchronize_session=False))


def mails_of(scope: TenantScope, customer_id: UUID) -> Select[MailMessage]:
    """Select the mails that concern a customer, or went to the customer's address, for staff."""
    customer = find_customer(scope, customer_id)
    mine: ColumnElement[bool] = MailMessage.customer_id == customer_id
    if customer is not None and customer.email:
        mine = or_(mine, func.lower(MailMessage.recipient) == customer.email.lower())
    return select(MailMessage).where(mine)


def _traces(scope: TenantScope, customer_id: UUID) -> ColumnElement[bool]:
    """The SQL condition that a mail is to a customer, or that its values contain the customer's address."""
    addresses = erasable_addresses(scope, customer_id)
    candidates = select(MailMessage.id, MailMessage.template_values).where(
        may_contain(MailMessage.template_values, addresses)
    )
    found = [
        mail_id
        for mail_id, values in scope.session.execute(candidates)
        if contains_address(values, addresses)
    ]
    return or_(
        MailMessage.customer_id == customer_id,
        func.lower(MailMessage.recipient).in_(addresses),
        MailMessage.id.in_(found),
    )


PERSONAL_DATA = PersonalData("mail", export, erase)
