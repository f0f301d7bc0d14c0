"""The organisation's section ``[welcome_gift]``."""

from __future__ import annotations

from autonomy_core.plugin_api.schemas import Identifier
from autonomy_core.plugin_api.settings import SettingsSchema


class WelcomeGiftSettings(SettingsSchema):
    """The gift."""

    product_id = Identifier(
        required=True,
        metadata={"description": "The product that each customer with a verified address receives."},
    )
