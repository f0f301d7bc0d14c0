"""What staff and operators do with mail: see it, send it again, stop and allow addresses."""

from __future__ import annotations

from dataclasses import dataclass

from autonomy_core.alarms.services import clear_alarm
from autonomy_core.audit.services import change, record
from autonomy_core.errors import Conflict
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.results import GIVEN_UP
from autonomy_core.mail.services import put_into_outbox
from autonomy_core.mail.suppressions import address_hash, allow, suppress, suppressions_of


class MailOnItsWay(Conflict):
    """The mail is not sent yet, so sending it again would make it two."""

    code, title = "mail_on_its_way", "The mail is still on its way"


@dataclass(frozen=True, slots=True)
class MailDetail:
    """A mail with what is known of its address.

    Attributes:
        mail: the mail.
        suppressed_because: why the address gets no mail now.
    """

    mail: MailMessage
    suppressed_because: tuple[str, ...]


def detail_of(scope: TenantScope, mail: MailMessage) -> MailDetail:
    """Return a mail with what is known of its address."""
    return MailDetail(mail, tuple(each.reason for each in suppressions_of(scope, mail.recipient)))


def resend(scope: TenantScope, mail: MailMessage, *, actor: str) -> MailMessage:
    """Put a mail into the outbox once more: the same values, rendered anew, with another ``Message-ID``.

    Args:
        scope: the scope of the organisation, in a transaction.
        mail: a mail that reached its last status.
        actor: who sends it, for the audit trail.

    Raises:
        MailOnItsWay: the mail is still queued, or is being sent.
    """
    scope.session.refresh(mail, with_for_update=True)
    if mail.finished_at is None:
        raise MailOnItsWay
    new_id = put_into_outbox(
        scope,
        mail.template,
        mail.recipient,
        mail.template_values,
        customer_id=mail.customer_id,
        locale=mail.locale,
        once=None,
        resend_of=mail.id,
    )
    clear_alarm(scope, GIVEN_UP, str(mail.id))
    detail = {"template": mail.template, "new_mail_id": str(new_id)}
    record(scope, actor=actor, action="mail.resent", target=f"mail:{mail.id}", detail=detail)
    return scope.session.get_one(MailMessage, (scope.organisation.id, new_id))


def stop_address(scope: TenantScope, address: str, *, actor: str) -> None:
    """Send no more mail to an address. The audit trail has its hash."""
    before = _reasons(scope, address)
    suppress(scope, address, "by_staff")
    target = f"mail_address:{address_hash(scope, address)}"
    detail = change(before, _reasons(scope, address))
    record(scope, actor=actor, action="mail_address.stopped", target=target, detail=detail)


def allow_address(scope: TenantScope, address: str, *, actor: str) -> bool:
    """Send mail to an address again; return whether it was stopped. It gets bulk mail only by consent."""
    before = _reasons(scope, address)
    found = allow(scope, address, ("bounced", "complained", "by_staff"))
    if found:
        target = f"mail_address:{address_hash(scope, address)}"
        detail = change(before, _reasons(scope, address))
        record(scope, actor=actor, action="mail_address.allowed", target=target, detail=detail)
    return bool(found)


def _reasons(scope: TenantScope, address: str) -> dict[str, list[str]]:
    """Return why an address gets no mail, for the audit trail."""
    return {"suppressed_because": [each.reason for each in suppressions_of(scope, address)]}
