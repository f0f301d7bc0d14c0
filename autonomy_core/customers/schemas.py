"""The JSON representation of customers."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from autonomy_core.customers.domain import LOCALE, TOKEN
from autonomy_core.fields import Identifier, StrictBoolean, Text, Timestamp
from autonomy_core.web.schemas import ApiSchema, OpenQuery, PageQuery

LONGEST_NAME = 200
LONGEST_SEARCH = 254
LONGEST_REASON = 500
LONGEST_NOTE = 10_000


class CustomerExportSchema(ApiSchema):
    """A customer's row, for the export."""

    id = fields.UUID()
    email = fields.String()
    email_verified_at = Timestamp()
    former_emails = fields.List(fields.String())
    name = fields.String()
    guest = fields.Boolean()
    locale = fields.String()
    marketing_at = Timestamp()
    marketing_source = fields.String()
    blocked_at = Timestamp()
    created_at = Timestamp()
    deletion_due_at = Timestamp()


class CustomerSchema(ApiSchema):
    """A customer, for the customer."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)
    email_verified = fields.Boolean(
        required=True, metadata={"description": "whether the mailbox of the address was proven"}
    )
    name = fields.String(required=True)
    locale = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the language of mails, BCP 47; null for the shop's", "example": "de"},
    )
    accepts_marketing = fields.Boolean(
        required=True, metadata={"description": "whether the customer agreed to mails that advertise"}
    )
    created_at = Timestamp(required=True)
    deletion_due_at = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "when the account is deleted, at the customer's own request"},
    )


class DeletionSchema(ApiSchema):
    """A request to be deleted."""

    deletion_due_at = Timestamp(
        required=True, metadata={"description": "until then, `POST customers/me/keep` withdraws it"}
    )


def locale_field(**options: Any) -> fields.String:
    """A field for the language of a customer's mails.

    Args:
        options: further arguments of `marshmallow.fields.Field`.
    """
    return fields.String(
        allow_none=True,
        validate=validate.Regexp(
            rf"\A{LOCALE.pattern}\Z", error="Write a language tag, such as de or pt-BR."
        ),
        metadata={"description": "the language of mails, BCP 47; null for the shop's", "example": "de"},
        **options,
    )


class OwnChangesSchema(ApiSchema):
    """What a customer changes. Members that are missing stay as they are."""

    name = Text(LONGEST_NAME, metadata={"example": "Ada Lovelace"})
    locale = locale_field()
    accepts_marketing = StrictBoolean(
        metadata={"description": "whether to send mails that advertise; the time is kept"}
    )


class UnsubscribeQuery(OpenQuery):
    """The token of a link in a mail."""

    token = fields.String(
        required=True,
        validate=validate.Regexp(rf"\A{TOKEN.pattern}\Z"),
        metadata={"description": "from the link in the mail"},
    )


class AdminCustomerSchema(CustomerSchema):
    """A customer, for staff."""

    guest = fields.Boolean(
        required=True, metadata={"description": "whether it is the buyer of one purchase without an account"}
    )
    email_verified_at = Timestamp(required=True, allow_none=True)
    marketing_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "when the customer agreed to mails"}
    )
    marketing_source = fields.String(
        required=True, allow_none=True, metadata={"description": "where the customer agreed: `account` …"}
    )
    blocked_at = Timestamp(required=True, allow_none=True)
    blocked_because = fields.String(required=True, allow_none=True)
    erased_at = Timestamp(
        required=True, allow_none=True, metadata={"description": "since then the address and name are empty"}
    )
    merged_into = fields.UUID(
        required=True, allow_none=True, metadata={"description": "the account that has everything now"}
    )


class CustomerQuery(PageQuery):
    """What staff look for."""

    q = Text(
        LONGEST_SEARCH,
        load_default=None,
        allow_none=False,
        metadata={"description": "a part of the address or of the name", "example": "lovelace"},
    )
    reference = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.Regexp(r"\A[A-Za-z0-9_-]{1,255}\Z"),
        metadata={
            "description": "a payment's id, or the provider's",
            "example": "019a0000-0000-7000-8000-000000000001",
        },
    )
    guest = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "only guests, or only accounts"},
    )
    blocked = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(["true", "false"]),
        metadata={"description": "only customers who are blocked, or who are not"},
    )


class ReasonSchema(ApiSchema):
    """Why staff do something. It stays in the audit log, so it must not contain personal data."""

    reason = Text(LONGEST_REASON, required=True, metadata={"example": "a stolen card"})


class MergeSchema(ReasonSchema):
    """The account that gets everything, and why."""

    into = Identifier(required=True, metadata={"description": "the id of the account that goes on"})


class NewNoteSchema(ApiSchema):
    """A note."""

    text = Text(LONGEST_NOTE, lines=True, required=True, metadata={"example": "Called about the receipt."})


class NoteSchema(ApiSchema):
    """A note of staff about a customer."""

    id = fields.UUID(required=True)
    author = fields.String(required=True, metadata={"description": "who wrote it: `staff:<id>` …"})
    text = fields.String(required=True)
    created_at = Timestamp(required=True)
