"""The settings of an organisation."""

from __future__ import annotations

from autonomy_core.plugin_api.schemas import MAX_LIMIT, Text
from autonomy_core.plugin_api.settings import SettingsSchema, positive_number

PLUGIN = "storefront"
LONGEST_TAGLINE = 200


class OrganisationSettings(SettingsSchema):
    """The section ``[storefront]``."""

    tagline = Text(
        LONGEST_TAGLINE,
        load_default=None,
        metadata={"description": "A sentence below the name of the shop."},
    )
    per_page = positive_number(48, MAX_LIMIT, "How many releases a page of the shop shows.")
