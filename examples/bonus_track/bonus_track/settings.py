"""The organisation's section ``[bonus_track]``."""

from __future__ import annotations

from marshmallow import validate

from autonomy_core.plugin_api.schemas import Identifier, NumberInText
from autonomy_core.plugin_api.settings import SettingsSchema


class BonusTrackSettings(SettingsSchema):
    """The bonus product, and the minimum payment."""

    product_id = Identifier(
        required=True, metadata={"description": "The product that each buyer of another product receives."}
    )
    minimum_amount = NumberInText(
        load_default=0,
        validate=validate.Range(min=0),
        metadata={"description": "The minimum payment, in the minor unit of the currency."},
    )
