"""The query of the shop's first page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, pre_load

from autonomy_core.plugin_api.catalog import ProductsQuery


class ShopQuery(ProductsQuery):
    """What the page shows: as in the API, but a field of the form that was left empty counts as absent."""

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _without_empty(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {name: value for name, value in data.items() if str(value).strip()}
