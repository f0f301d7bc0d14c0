"""Why a track cannot be offered alone."""

from __future__ import annotations

from typing import ClassVar

from autonomy_core.plugin_api.errors import Conflict


class SingleExists(Conflict):
    """The track has a product with which it is sold alone."""

    code, title = "single_exists", "The track has a product of its own already"
    members: ClassVar = {
        "product_id": {
            "type": "string",
            "format": "uuid",
            "description": "with `single_exists`: the product of the track",
        }
    }
