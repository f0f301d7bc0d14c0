"""What goes over the wire about tracks that are sold alone."""

from __future__ import annotations

from autonomy_core.plugin_api.catalog import NewPrices
from autonomy_core.plugin_api.schemas import StrictBoolean


class NewSingleSchema(NewPrices):
    """The price of a track that is sold alone."""

    active = StrictBoolean(load_default=True, metadata={"description": "whether customers can buy it"})
