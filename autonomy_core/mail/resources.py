"""Mail in the resource tree."""

from __future__ import annotations

from uuid import UUID

from pyramid.authorization import Allow
from pyramid.request import Request

from autonomy_core.kernel.identity import Permission
from autonomy_core.mail.models import MailMessage
from autonomy_core.mail.services import find_mail
from autonomy_core.traversal.resources import Collection, Resource


class AdminMail(Resource):
    """``…/admin/mail/{mail_id}``"""

    def __init__(self, request: Request, parent: Resource, name: str, mail: MailMessage) -> None:
        super().__init__(request, parent, name)
        self.mail = mail


class AdminMails(Collection):
    """``…/admin/mail``"""

    item = AdminMail
    parameter = "mail_id"

    __acl__ = (
        (Allow, f"scope:{Permission.READ_MAIL}", Permission.READ_MAIL),
        (Allow, f"scope:{Permission.SEND_MAIL}", (Permission.READ_MAIL, Permission.SEND_MAIL)),
    )

    def item_for(self, identifier: UUID, name: str) -> AdminMail:
        """Return any mail of the organisation."""
        mail = find_mail(self.scope, identifier)
        if mail is None:
            raise KeyError(name)
        return AdminMail(self.request, self, name, mail)


class AdminSuppressions(Resource):
    """``…/admin/mail/suppressions``"""
