"""The JSON representation of figures."""

from __future__ import annotations

from marshmallow import fields, validate

from autonomy_core.currencies import CURRENCIES
from autonomy_core.fields import Day, Identifier
from autonomy_core.web.schemas import ApiSchema, QuerySchema

MINOR = "in the minor unit of the currency"


class FiguresQuery(QuerySchema):
    """What the figures are about. Days are days in the organisation's time zone."""

    first_day = Day(
        data_key="from",
        load_default=None,
        allow_none=False,
        metadata={"description": "by default 30 days before `to`"},
    )
    last_day = Day(
        data_key="to", load_default=None, allow_none=False, metadata={"description": "by default today"}
    )
    unit = fields.String(
        data_key="by",
        load_default="day",
        validate=validate.OneOf(["day", "month"]),
        metadata={"description": "`month`: the whole months that contain the days"},
    )
    environment = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(["test", "live"]),
        metadata={"description": "only figures of this environment"},
    )
    currency = fields.String(
        load_default=None,
        allow_none=False,
        validate=validate.OneOf(sorted(CURRENCIES)),
        metadata={"description": "only figures in this currency"},
    )
    product_id = Identifier(
        load_default=None, allow_none=False, metadata={"description": "only figures of this product"}
    )


class SumsSchema(ApiSchema):
    """Sums in one currency and environment. They are never added to those of another."""

    environment = fields.String(required=True, validate=validate.OneOf(["test", "live"]))
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    sales = fields.Integer(
        required=True,
        attribute="sums.sales",
        metadata={"description": "products sold; a bundle counts once for each of its products"},
    )
    gross = fields.Integer(
        required=True, attribute="sums.gross", metadata={"description": f"collected from buyers, {MINOR}"}
    )
    refunds = fields.Integer(
        required=True,
        attribute="sums.refunds",
        metadata={"description": "given back to buyers, minus refunds that failed afterwards"},
    )
    disputes = fields.Integer(
        required=True, attribute="sums.disputes", metadata={"description": "taken by buyers' banks"}
    )
    disputes_returned = fields.Integer(
        required=True,
        attribute="sums.disputes_returned",
        metadata={"description": "given back by buyers' banks"},
    )
    total = fields.Integer(
        required=True,
        attribute="sums.total",
        metadata={"description": "`gross` - `refunds` - `disputes` + `disputes_returned`"},
    )
    settled = fields.Integer(
        required=True,
        attribute="sums.settled",
        metadata={"description": "changes of the provider's balance before fees, as it reported them"},
    )
    fees = fields.Integer(
        required=True, attribute="sums.fees", metadata={"description": "kept by the provider"}
    )
    net = fields.Integer(required=True, attribute="sums.net", metadata={"description": "`settled` - `fees`"})


class FigureSchema(SumsSchema):
    """The sums of a product in a day or a month."""

    period = fields.Date(required=True, metadata={"description": "the first day"})
    product_id = fields.UUID(required=True)
    product = fields.String(required=True, metadata={"description": "the title"})


class FiguresSchema(ApiSchema):
    """Figures, and their sums."""

    time_zone = fields.String(required=True, metadata={"description": "in which the days begin"})
    items = fields.List(
        fields.Nested(FigureSchema),
        required=True,
        metadata={"description": "by period, environment, currency and product; none where nothing happened"},
    )
    totals = fields.List(
        fields.Nested(SumsSchema), required=True, metadata={"description": "the sums of all `items`"}
    )
