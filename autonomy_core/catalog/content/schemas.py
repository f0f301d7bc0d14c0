"""The JSON representation of what a product consists of."""

from __future__ import annotations

from marshmallow import fields

from autonomy_core.prices.schemas import IN_MINOR_UNIT, ShownPrices
from autonomy_core.web.schemas import ApiSchema


class ListedExtraSchema(ApiSchema):
    """A file that comes with a product, for visitors."""

    title = fields.String(required=True)
    format = fields.String(required=True, metadata={"example": "pdf"})
    size = fields.Integer(required=True, metadata={"description": "bytes"})


class WithExtras(ApiSchema):
    """A product with the files that come with it."""

    extras = fields.List(
        fields.Nested(ListedExtraSchema),
        required=True,
        metadata={"description": "files that a buyer gets as well, such as a booklet"},
    )


class SaleSchema(ShownPrices):
    """The product with which a track is bought alone."""

    product_id = fields.UUID(
        required=True, attribute="id", metadata={"description": "it is bought like any other product"}
    )
    slug = fields.String(required=True, attribute="shown.slug", allow_none=True)
    amount = fields.Integer(required=True, metadata={"description": IN_MINOR_UNIT})
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    purchasable = fields.Boolean(required=True)
