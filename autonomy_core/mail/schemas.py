"""The JSON representation of mail."""

from __future__ import annotations

from typing import get_args

from marshmallow import fields, validate

from autonomy_core.fields import EmailField, Identifier, Text, Timestamp
from autonomy_core.mail.models import MailStatus
from autonomy_core.web.schemas import ApiSchema, PageQuery

STATUSES = get_args(MailStatus)

STATUS_MEANINGS = """\
- `queued`: it is due, now or after a failure
- `sending`: it is being handed over to a mail server
- `sent`: a mail server has accepted it
- `refused`: the server does not send it; `answer` is the reason
- `bounced`: a mail server has rejected it permanently
- `given_up`: every attempt of three days has failed
"""


class MailSchema(ApiSchema):
    """A mail of the outbox, for staff."""

    id = fields.UUID(required=True)
    template = fields.String(required=True, metadata={"description": "the kind of mail"})
    to = fields.String(required=True, attribute="recipient")
    customer_id = fields.UUID(required=True, allow_none=True)
    status = fields.String(
        required=True,
        validate=validate.OneOf(STATUSES),
        metadata={"description": STATUS_MEANINGS},
    )
    attempts = fields.Integer(required=True)
    answer = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the last answer of the mail server, or the reason of the status"},
    )
    resend_of = fields.UUID(
        required=True, allow_none=True, metadata={"description": "the mail that was sent again with this one"}
    )
    created_at = Timestamp(required=True)
    next_attempt_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "null if there is none"}
    )
    finished_at = Timestamp(required=True, allow_none=True)


class MailDetailSchema(ApiSchema):
    """A mail of the outbox, with what is known of its address."""

    mail = fields.Nested(MailSchema, required=True)
    suppressed_because = fields.List(
        fields.String(),
        required=True,
        metadata={
            "description": "why the address gets no mail now: `bounced`, `complained`, `by_staff`, or no "
            "bulk mail: `unsubscribed`"
        },
    )


class MailQuery(PageQuery):
    """A page of the mail that the filters select."""

    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    template = Text(200, load_default=None)
    to = EmailField(load_default=None, metadata={"description": "the address of the recipient"})
    customer_id = Identifier(load_default=None)


class SuppressionSchema(ApiSchema):
    """An address that gets no mail."""

    address = EmailField(required=True)
