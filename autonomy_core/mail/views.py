"""Mail over HTTP: staff see it, and send it again."""

from __future__ import annotations

from typing import Any

from pyramid.request import Request

from autonomy_core.kernel.identity import Permission
from autonomy_core.mail import administration, services
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.resources import AdminMail, AdminMails, AdminSuppressions
from autonomy_core.mail.schemas import MailDetailSchema, MailQuery, MailSchema, SuppressionSchema
from autonomy_core.traversal.resources import Admin
from autonomy_core.web.operations import api_view
from autonomy_core.web.schemas import page_of, paginate


@api_view(
    context=AdminMails,
    method="GET",
    summary="List mail",
    permission=Permission.READ_MAIL,
    query=MailQuery,
    returns=page_of(MailSchema),
)
def list_mail(context: AdminMails, request: Request) -> dict[str, Any]:
    """Lists the mail of the outbox, newest first."""
    filters = {name: request.query[name] for name in ("status", "template", "to", "customer_id")}
    return paginate(context.scope.session, services.every_mail(**filters), MailMessage.id, request.query)


@api_view(
    context=AdminMail,
    method="GET",
    summary="Get a mail",
    permission=Permission.READ_MAIL,
    returns=MailDetailSchema,
)
def get_mail(context: AdminMail, request: Request) -> administration.MailDetail:
    """The text is not kept: it may contain links that only the recipient may open."""
    return administration.detail_of(context.scope, context.mail)


@api_view(
    context=AdminMail,
    name="resend",
    method="POST",
    summary="Send a mail again",
    permission=Permission.SEND_MAIL,
    returns=MailSchema,
    status=201,
    errors=(administration.MailOnItsWay,),
)
def resend(context: AdminMail, request: Request) -> MailMessage:
    """Puts a new mail with the same values into the outbox, to the same address. It is rendered anew."""
    return administration.resend(context.scope, context.mail, actor=request.actor)


@api_view(
    context=AdminMail,
    name="allow",
    method="POST",
    summary="Send mail to an address again",
    permission=Permission.SEND_MAIL,
    returns=MailDetailSchema,
)
def allow(context: AdminMail, request: Request) -> administration.MailDetail:
    """The recipient of this mail gets mail again, for example because the mailbox exists now.

    A recipient who has unsubscribed gets no bulk mail nevertheless.
    """
    administration.allow_address(context.scope, context.mail.recipient, actor=request.actor)
    return administration.detail_of(context.scope, context.mail)


@api_view(
    context=AdminSuppressions,
    method="POST",
    summary="Stop mail to an address",
    permission=Permission.SEND_MAIL,
    body=SuppressionSchema,
    status=204,
)
def suppress(context: AdminSuppressions, request: Request) -> None:
    """No mail goes to the address any more, for example because its owner complained."""
    administration.stop_address(context.scope, request.validated["address"], actor=request.actor)


def includeme(config: Any) -> None:
    """Add the mail to the staff's part of the resource tree."""
    config.add_child(Admin, "mail", AdminMails)
    config.add_child(AdminMails, "suppressions", AdminSuppressions)
    config.scan(__name__)
