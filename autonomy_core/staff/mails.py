"""The mail that invites to the staff. Its texts are in the directory ``mail``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from autonomy_core.kernel.mail import Mail, MailTemplate, NotSent
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.staff.services import INVITATION, new_token


def prepare_invitation(scope: TenantScope, mail: Mail) -> Mapping[str, Any]:
    """Create the token of an invitation, which only its mail contains."""
    token = new_token(scope, invitation_id(mail.values))
    if token is None:
        raise NotSent("the invitation was accepted or withdrawn, or has expired")
    return {"token": token}


def invitation_id(values: Mapping[str, Any]) -> UUID:
    """Return the invitation that a mail is about."""
    return UUID(values["invitation_id"])


TEMPLATES = (
    MailTemplate(
        INVITATION,
        "autonomy_core.staff",
        sample={
            "invitation_id": "019a0000-0000-7000-8000-000000000001",
            "role": "support",
            "token": "sample",
            "account_url": "https://shop.example/account",
        },
        prepare=prepare_invitation,
    ),
)
