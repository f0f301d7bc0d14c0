"""The JSON representation of coupons."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from autonomy_core.fields import Identifier, StrictBoolean, Timestamp, WholeNumber
from autonomy_core.prices.schemas import IN_MINOR_UNIT, MAX_AMOUNT, THREE_LETTERS, in_use
from autonomy_core.web.schemas import ApiSchema

MOST_PRODUCTS = 100
MOST_REDEMPTIONS = 1_000_000
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

CODE = "the code that customers type, in upper or lower case. It cannot be changed"
AMOUNT_OFF = "the reduction, in the minor unit of `currency`"
PERCENT_OFF = "the reduction in percent, rounded to the minor unit, halves up"
STARTS_AT = "when its validity begins; null for no limit"
ENDS_AT = "when its validity ends; null for no limit"
MAX_REDEMPTIONS = "for how many purchases it can be used; null for any number"
MAX_PER_CUSTOMER = "for how many purchases of each customer; null for any number"
PRODUCT_IDS = "the products that it is for, null for all; a bundle counts by its own id"
ACTIVE = "whether it can be used"


def _in_this_age(moment: datetime) -> None:
    if not EARLIEST <= moment <= LATEST:
        raise ValidationError("Between the years 2000 and 2200.")


def _moment(description: str, **options: Any) -> Timestamp:
    return Timestamp(allow_none=True, validate=_in_this_age, metadata={"description": description}, **options)


def _limit(description: str, **options: Any) -> WholeNumber:
    return WholeNumber(
        allow_none=True,
        validate=validate.Range(1, MOST_REDEMPTIONS),
        metadata={"description": description},
        **options,
    )


def _product_ids(**options: Any) -> fields.List:
    return fields.List(
        Identifier(),
        allow_none=True,
        validate=validate.Length(1, MOST_PRODUCTS),
        metadata={"description": PRODUCT_IDS},
        **options,
    )


class CouponSchema(ApiSchema):
    """A coupon, for staff. It reduces a price by either a percentage or an amount."""

    id = fields.UUID(required=True)
    code = fields.String(required=True, metadata={"description": CODE, "example": "SPRING"})
    percent_off = fields.Integer(required=True, allow_none=True, metadata={"description": PERCENT_OFF})
    amount_off = fields.Integer(required=True, allow_none=True, metadata={"description": AMOUNT_OFF})
    currency = fields.String(
        required=True, allow_none=True, metadata={"description": "of `amount_off`: ISO 4217, lower case"}
    )
    starts_at = Timestamp(required=True, allow_none=True, metadata={"description": STARTS_AT})
    ends_at = Timestamp(required=True, allow_none=True, metadata={"description": ENDS_AT})
    max_redemptions = fields.Integer(
        required=True, allow_none=True, metadata={"description": MAX_REDEMPTIONS}
    )
    max_per_customer = fields.Integer(
        required=True, allow_none=True, metadata={"description": MAX_PER_CUSTOMER}
    )
    product_ids = fields.List(
        fields.UUID(), required=True, allow_none=True, metadata={"description": PRODUCT_IDS}
    )
    active = fields.Boolean(required=True, metadata={"description": ACTIVE})
    used = fields.Integer(
        required=True,
        metadata={
            "description": "the number of completed payments with it, in the environment in which the "
            "organisation sells"
        },
    )
    reserved = fields.Integer(required=True, metadata={"description": "the number of open payments with it"})
    created_at = Timestamp(required=True)
    updated_at = Timestamp(required=True)


class NewCouponSchema(ApiSchema):
    """A new coupon, with either `percent_off` or `amount_off`."""

    code = fields.String(
        required=True,
        validate=validate.Regexp(
            r"^[A-Za-z0-9_-]{3,40}\Z", error="3 to 40 letters, digits, hyphens and underscores."
        ),
        metadata={"description": CODE, "example": "SPRING"},
    )
    percent_off = WholeNumber(validate=validate.Range(1, 100), metadata={"description": PERCENT_OFF})
    amount_off = WholeNumber(
        validate=validate.Range(1, MAX_AMOUNT),
        metadata={"description": f"the reduction, {IN_MINOR_UNIT}"},
    )
    currency = fields.String(
        validate=[THREE_LETTERS, in_use],
        metadata={"description": "of `amount_off`, ISO 4217, lower case; the organisation's if absent"},
    )
    starts_at = _moment(STARTS_AT)
    ends_at = _moment(ENDS_AT)
    max_redemptions = _limit(MAX_REDEMPTIONS)
    max_per_customer = _limit(MAX_PER_CUSTOMER)
    product_ids = _product_ids(load_default=None)
    active = StrictBoolean(load_default=True, metadata={"description": ACTIVE})

    @validates_schema
    def _takes_off_one_thing(self, data: dict[str, Any], **_: Any) -> None:
        if ("percent_off" in data) == ("amount_off" in data):
            raise ValidationError("Give either percent_off or amount_off.", "percent_off")
        if "currency" in data and "amount_off" not in data:
            raise ValidationError("Only amount_off has a currency.", "currency")

    @validates_schema
    def _ends_after_it_starts(self, data: dict[str, Any], **_: Any) -> None:
        starts_at, ends_at = data.get("starts_at"), data.get("ends_at")
        if starts_at is not None and ends_at is not None and starts_at >= ends_at:
            raise ValidationError("It ends before it starts.", "ends_at")

    @post_load
    def _in_upper_case(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**data, "code": data["code"].upper()}


class CouponChangesSchema(ApiSchema):
    """The changes of a coupon; absent members stay as they are."""

    starts_at = _moment(STARTS_AT)
    ends_at = _moment(ENDS_AT)
    max_redemptions = _limit(MAX_REDEMPTIONS)
    max_per_customer = _limit(MAX_PER_CUSTOMER)
    product_ids = _product_ids()
    active = StrictBoolean(metadata={"description": ACTIVE})
