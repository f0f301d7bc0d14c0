"""The JSON representation of download codes."""

from __future__ import annotations

from datetime import UTC, datetime

from marshmallow import ValidationError, fields, validate

from autonomy_core.catalog.schemas import ProductSchema
from autonomy_core.fields import EmailField, Identifier, LanguageTag, Text, Timestamp, WholeNumber
from autonomy_core.web.schemas import ApiSchema, PageQuery

MOST_CODES = 10_000
"""The largest number of codes of one call."""

MOST_USES = 1_000_000
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

LABEL = "what the codes are for; staff see it, and customers do not"
EXPIRES_AT = "from when on the codes cannot be redeemed; null for no limit"
USES = "how many customers can redeem each code"


def in_the_future(moment: datetime) -> None:
    """Validate when codes expire."""
    if not datetime.now(UTC) < moment <= LATEST:
        raise ValidationError("In the future, and before the year 2200.")


class NewCodesSchema(ApiSchema):
    """New codes for a product."""

    count = WholeNumber(
        required=True,
        validate=validate.Range(1, MOST_CODES),
        metadata={"description": "how many codes", "example": 100},
    )
    label = Text(200, required=True, metadata={"description": LABEL, "example": "Vinyl, first pressing"})
    expires_at = Timestamp(
        load_default=None,
        allow_none=True,
        validate=in_the_future,
        metadata={"description": EXPIRES_AT, "example": "2190-01-01T00:00:00Z"},
    )
    uses_per_code = WholeNumber(
        load_default=1, validate=validate.Range(1, MOST_USES), metadata={"description": USES}
    )


class CodeBatchSchema(ApiSchema):
    """Codes that were made together."""

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    label = fields.String(required=True, metadata={"description": LABEL})
    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    count = fields.Integer(required=True, metadata={"description": "the number of codes"})
    uses_per_code = fields.Integer(required=True, metadata={"description": USES})
    used = fields.Integer(required=True, metadata={"description": "how often they were redeemed"})
    revoked = fields.Integer(required=True, metadata={"description": "the number of revoked codes"})
    expires_at = Timestamp(required=True, allow_none=True, metadata={"description": EXPIRES_AT})
    created_at = Timestamp(required=True)
    created_by = fields.String(required=True)


class CodeSchema(ApiSchema):
    """A code, without its text."""

    id = fields.UUID(required=True)
    starts_with = fields.String(
        required=True, metadata={"description": "its first four characters", "example": "7Q2M"}
    )
    used = fields.Integer(required=True, metadata={"description": "how often it was redeemed"})
    last_used_at = Timestamp(required=True, allow_none=True)
    last_customer_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "the customer who redeemed it last"}
    )
    revoked_at = Timestamp(required=True, allow_none=True)


class CodesQuery(PageQuery):
    """A page of the codes of a batch."""

    starts_with = Text(
        4,
        load_default=None,
        metadata={"description": "only codes with these first four characters", "example": "7Q2M"},
    )


class RevocationSchema(ApiSchema):
    """The codes to revoke."""

    code_ids = fields.List(
        Identifier(),
        load_default=None,
        validate=validate.Length(1, MOST_CODES),
        metadata={"description": "codes of the batch; all that can still be redeemed if absent"},
    )


class RedemptionSchema(ApiSchema):
    """A code, as a person typed it."""

    code = Text(
        100,
        required=True,
        metadata={
            "description": "in any case, with or without hyphens and spaces",
            "example": "7Q2M-0XKD-93RW-HT5B",
        },
    )


class GuestRedemptionSchema(RedemptionSchema):
    """A code, and where to send the link to the product."""

    email = EmailField(required=True, metadata={"example": "ada@example.org"})
    locale = LanguageTag(metadata={"description": "the language of mails, BCP 47", "example": "de"})


class RedeemedSchema(ApiSchema):
    """The product of the code."""

    product = fields.Nested(ProductSchema, required=True)
